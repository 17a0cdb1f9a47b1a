package cli

import (
	"stillwater/appliance/dataplane"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// start is where the sequence numbers of one SPI begin in a capture: the first low half seen, and how far below it one of
// the next packets was, since packets may be out of order from the start.
type start struct {
	low     uint32
	before  uint32
	packets int
}

// startPackets is how many packets of an SA are looked at, startSpan how far below the first a number may be to count as
// out of order.
const (
	startPackets = 256
	startSpan    = 4096
)

// firstNumbers reads where the sequence numbers of each SPI begin. Nothing is authenticated here: a forged number can only
// make the reassembler wait for packets that never come.
func firstNumbers(name string) (map[uint32]start, error) {
	starts := map[uint32]start{}
	pool, err := newPool(0)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	return starts, eachPacket(name, func(_ pcappmd.Packet, ip []byte) error {
		m := pool.Get(len(ip))
		if m == nil || ip == nil {
			return nil
		}
		defer pool.Put(m)
		copy(m.Append(len(ip)), ip)
		if dataplane.CheckIP(m) == mbuf.Pass && dataplane.ParseOuter(m) == mbuf.Pass {
			s := starts[m.SPI]
			d := m.Data()
			s.see(uint32(d[4])<<24 | uint32(d[5])<<16 | uint32(d[6])<<8 | uint32(d[7]))
			starts[m.SPI] = s
		}
		return nil
	})
}

func (s *start) see(low uint32) {
	if s.packets == 0 {
		s.low = low
	} else if below := s.low - low; s.packets < startPackets && below < startSpan {
		s.before = max(s.before, below)
	}
	s.packets++
}

// from returns the first sequence number of an SA whose high half was hi at the first packet; at least 1.
func (s start) from(esn bool, hi uint32) uint64 {
	first := uint64(s.low)
	if esn {
		first |= uint64(hi) << 32
	}
	if first <= uint64(s.before) {
		return 1
	}
	return max(first-uint64(s.before), 1)
}
