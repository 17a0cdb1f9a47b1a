package iptfs

import (
	"bytes"
	"testing"

	"stillwater/pmd/mbuf"
)

// FuzzFramer drives a Framer with a script, one step per three octets, and takes every payload apart by the letter of
// the RFC. Whatever the script, what was queued arrives whole, once and in order.
func FuzzFramer(f *testing.F) {
	f.Add(uint16(0x0104), byte(40), false, false, []byte{0, 0, 20, 1, 0, 1})
	f.Add(uint16(1404), byte(6), true, false, []byte{0, 5, 200, 0, 0, 20, 1, 0, 2, 2, 0, 1, 1, 0, 9})
	f.Add(uint16(104), byte(80), true, true, []byte{0, 0, 90, 3, 0, 80, 1, 0, 3, 4, 0, 1, 0, 0, 99, 1, 0, 1})
	f.Add(uint16(64), byte(40), false, true, []byte{5, 0, 0, 0, 1, 0, 0, 0, 44, 6, 0, 1, 1, 0, 4})
	f.Fuzz(func(t *testing.T, size uint16, least byte, fixed, whole bool, script []byte) {
		cfg := framerConfig(max(int(size)%2048, 64), fixed)
		cfg.MinFragment, cfg.DontFragment, cfg.CC = max(int(least), 6), whole, true
		cfg.QueuePackets, cfg.QueueOctets = 32, 20000
		if cfg.PayloadSize < CCHeaderLen+max(cfg.MinFragment, 40) {
			t.Skip("SKIP: a payload without room for a fragment is refused")
		}
		s := framerScript{framerRig: newFramerRig(t, cfg), stream: framerStream{t: t, least: cfg.MinFragment}}
		script = script[:min(len(script), 600)]
		for ; len(script) >= 3; script = script[3:] {
			s.step(script[0], int(script[1])<<8|int(script[2]))
		}
		s.end()
	})
}

// framerScript runs the steps of FuzzFramer.
type framerScript struct {
	*framerRig
	stream framerStream
	sent   [][]byte
}

func (s *framerScript) step(op byte, v int) {
	switch op % 7 {
	case 0, 1:
		s.queue(4, 20+v%9197)
	case 2:
		s.queue(6, 40+v%1400)
	case 3:
		s.stream.take(s.emit(v%8, 0)...)
	case 4:
		s.stream.take(s.emitPad(v % 3)...)
	case 5:
		s.Settle(v%2 == 0)
	case 6:
		s.SetHeader(Header{SubType: uint8(v % 2)})
	}
}

// queue offers a packet and remembers it if it is taken.
func (s *framerScript) queue(version, size int) {
	m := s.packet(version, size)
	b := bytes.Clone(m.Data())
	if s.Offer(mbuf.Burst{m}, 0) == 1 {
		s.sent = append(s.sent, b)
		return
	}
	s.pool.Put(m)
}

// end empties the queue; every payload must take it further.
func (s *framerScript) end() {
	s.Settle(false)
	for packets, _ := s.Waiting(); packets > 0; packets, _ = s.Waiting() {
		before := s.Counters().TxOctets
		s.stream.take(s.emit(1, 0)...)
		if s.Counters().TxOctets == before {
			s.t.Fatalf("%d packets wait and a payload takes none of them", packets)
		}
	}
	s.stream.want(s.sent)
}
