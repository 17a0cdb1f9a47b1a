package control_test

import (
	"context"
	"testing"

	"stillwater/appliance/control"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// trapPort has a receive queue that panics when it is told to.
type trapPort struct {
	pmd.Port
	queue  int
	spring chan struct{}
}

func (p *trapPort) Rx(i int) pmd.RxQueue {
	if i != p.queue {
		return p.Port.Rx(i)
	}
	return &trapQueue{p.Port.Rx(i), p.spring}
}

type trapQueue struct {
	pmd.RxQueue
	spring chan struct{}
}

func (q *trapQueue) RxBurst(ms []*mbuf.Mbuf) int {
	select {
	case <-q.spring:
		panic("sprung")
	default:
		return q.RxQueue.RxBurst(ms)
	}
}

// TestIKE031_LcoreDies: an lcore of one gateway panics. Its SAs are deleted at the peer, too, and the SAs of the other lcore go
// on carrying packets both ways.
func TestIKE031_LcoreDies(t *testing.T) {
	spring := make(chan struct{}, 1)
	s := &site{
		t: t, link: pmd.RawIP, lcores: 2, outer: [2]string{"192.0.2.1", "192.0.2.2"}, lines: "per_resource_sas = 1",
		child: "mode = \"constant\"\nl3_fixed_rate = \"2m\"\npath_is_mine = true",
		wrap: func(device string, p pmd.Port) pmd.Port {
			if device == "wire:inside1,1" {
				return &trapPort{p, 1, spring}
			}
			return p
		},
	}
	s.build()
	s.run()
	must(t, s.gateways[0].Core().Initiate(context.Background(), "t", ""))
	until(t, "an SA for each lcore", func() bool { return len(s.sending(0)) == 2 && len(s.sending(1)) == 2 })
	var lost, left control.PairStatus
	for _, p := range s.sending(0) {
		if p.Lcore == 1 {
			lost = p
		} else {
			left = p
		}
	}
	if lost.SPIIn == 0 || left.SPIIn == 0 {
		t.Fatalf("%+v: not one for each lcore", s.sending(0))
	}
	spring <- struct{}{}
	until(t, "the end of the lcore", func() bool { return s.gateways[0].Plane().Dead(1) })
	until(t, "the peer has deleted its SA", func() bool {
		p := s.sending(1)
		return len(p) == 1 && p[0].SPIIn == left.SPIOut
	})
	until(t, "this end has no SA there", func() bool {
		for _, p := range s.gateways[0].Core().Pairs() {
			if p.Lcore == 1 {
				return false
			}
		}
		return true
	})
	for i := range s.gateways {
		before := s.sending(i)
		if len(before) != 1 {
			t.Fatalf("gateway %d sends with %+v", i, before)
		}
		until(t, "the other SA goes on", func() bool {
			p := s.sending(i)
			return len(p) == 1 && p[0].SPIIn == before[0].SPIIn && p[0].Sent.Packets > before[0].Sent.Packets && p[0].Received.Packets > before[0].Received.Packets
		})
	}
}
