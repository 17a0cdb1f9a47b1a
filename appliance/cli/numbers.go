package cli

import (
	"math"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// start is where the sequence numbers of one SA begin in a capture: packets may be out of order from the first on.
type start struct {
	first   uint64 // the first number seen
	least   uint64 // the least number seen that counts
	packets int    // looked at
	known   bool
}

// startPackets is how many packets of an SA are looked at, startSpan how far below the first a number may be to count as
// out of order.
const (
	startPackets = 256
	startSpan    = 4096
)

// findStarts reads where the sequence numbers of each SA begin, from packets that pass the integrity check: a forged
// number must not decide what is too old. It returns what it read with, too.
func (d *decapper) findStarts(name string, ps []*esp.Params) ([]start, outerReader, error) {
	starts := make([]start, len(ps))
	reader := d.outers.fresh()
	probe := esp.NewInbound(aead.NewStd(1), 1)
	err := eachPacket(name, func(_ pcappmd.Packet, ip []byte) error {
		if ip == nil {
			return nil
		}
		o := reader.read(ip, d.pool)
		if o.m == nil {
			return nil
		}
		defer d.pool.Put(o.m)
		if o.verdict != mbuf.Pass {
			return nil
		}
		slot, ok := d.find(o.m.SPI, o.dst)
		if !ok || starts[slot].packets == startPackets {
			return nil
		}
		starts[slot].packets++
		if seq, ok := d.number(probe, ps[slot], o.m.Data()); ok {
			starts[slot].see(seq)
		}
		return nil
	})
	probe.Remove(0)
	return starts, reader, err
}

// number is the whole sequence number of an ESP packet, if it belongs to the SA. The high half of a 64-bit number is the
// configured one, or a neighbour of it where the capture starts close to a wrap of the low half.
func (d *decapper) number(probe *esp.Inbound, p *esp.Params, packet []byte) (seq uint64, ok bool) {
	if len(packet) < 8 {
		return 0, false
	}
	low := uint64(packet[4])<<24 | uint64(packet[5])<<16 | uint64(packet[6])<<8 | uint64(packet[7])
	hi := p.FirstSeq >> 32
	his := []uint64{hi}
	if p.ESN {
		his = append(his, hi+1, hi-1)
	}
	for _, h := range his {
		trial := *p
		trial.FirstSeq, trial.ReplayWindow = h<<32|low, 0
		if h <= math.MaxUint32 && trial.FirstSeq != 0 && d.opens(probe, &trial, packet) {
			return trial.FirstSeq, true
		}
	}
	return 0, false
}

// opens reports whether an SA made from p takes a copy of the packet.
func (d *decapper) opens(probe *esp.Inbound, p *esp.Params, packet []byte) bool {
	m := d.pool.Get(len(packet))
	if m == nil || probe.Install(0, p) != nil {
		return false
	}
	copy(m.Append(len(packet)), packet)
	m.SA = 0
	n := probe.Open(mbuf.Burst{m})
	genuine := n == 1 || m.Verdict != mbuf.AuthFailed && m.Verdict != mbuf.TooShort
	d.pool.Put(m)
	probe.Remove(0)
	return genuine
}

func (s *start) see(seq uint64) {
	switch {
	case !s.known:
		s.first, s.least, s.known = seq, seq, true
	case seq < s.least && s.first-seq < startSpan:
		s.least = seq
	}
}

// from returns the first sequence number of an SA made from p; at least 1.
func (s start) from(p *esp.Params) uint64 {
	if !s.known {
		return max(p.FirstSeq, 1)
	}
	return s.least
}
