package dataplane

import (
	"stillwater/crypto/esp"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
)

// outSA is what the worker keeps for an outbound SA beside the record in package esp. The builder fills it while nobody
// looks at the slot; from the order on it is owned by one lcore.
type outSA struct {
	// frame takes inner packets for this SA: one function for tunnel mode, one for AGGFRAG on demand, one for AGGFRAG at
	// a constant rate, chosen when the SA is built.
	frame func(w *Worker, slot uint32, run mbuf.Burst)
	// offer gives packets to the framer: one function where any size goes, one where the peer takes no fragments.
	offer  func(w *Worker, sa *outSA, run mbuf.Burst)
	framer *iptfs.Framer
	pacer  *iptfs.Pacer
	child  uint32
	// tunnelMTU is the largest inner packet of a plain tunnel SA, octets; 0 on AGGFRAG SAs, which have no such limit.
	tunnelMTU int
	queued    bool                     // in Worker.ready
	folded    [mbuf.NumVerdicts]uint64 // of the framer's drops, already in the lcore's counters
	// removal is the RemoveOutbound order that waits until the framer is empty; op 0 when there is none.
	removal order
}

// inSA is the same for an inbound SA.
type inSA struct {
	unframe func(w *Worker, slot uint32, run mbuf.Burst)
	reasm   *iptfs.Reassembler
	child   uint32
	spi     uint32
	armed   int64                    // when the wheel will call, 0: not at all
	folded  [mbuf.NumVerdicts]uint64 // of the reassembler's drops, already in the lcore's counters
}

// newOutSA builds the framing half of an outbound SA.
func newOutSA(c *Command, p *esp.Params) (outSA, error) {
	sa := outSA{child: c.Child}
	if c.SA.Mode != esp.ModeAGGFRAG {
		sa.frame = frameTunnel
		var err error
		sa.tunnelMTU, err = esp.PayloadCapacity(p, int(c.SA.MTU))
		return sa, err
	}
	capacity, err := esp.PayloadCapacity(p, int(c.SA.Framing.OuterSize))
	if err != nil {
		return sa, err
	}
	if sa.framer, err = c.SA.framer(capacity); err != nil {
		return sa, err
	}
	sa.frame, sa.offer = frameOnDemand, offerAny
	if c.SA.Framing.DontFragment {
		sa.offer = offerWhole
	}
	if c.SA.Framing.Constant {
		sa.frame = framePaced
		sa.pacer, err = iptfs.NewPacer(c.SA.Framing.Interval, 1)
	}
	return sa, err
}

// idle reports whether no inner packet waits in the SA.
func (sa *outSA) idle() bool {
	if sa.framer == nil {
		return true
	}
	packets, _ := sa.framer.Waiting()
	return packets == 0
}

// runs calls f for each run of consecutive packets of one slot: what is chosen per SA costs one call per run.
func runs(ms mbuf.Burst, f func(slot uint32, run mbuf.Burst)) {
	for i := 0; i < len(ms); {
		j, slot := i+1, ms[i].SA
		for j < len(ms) && ms[j].SA == slot {
			j++
		}
		f(slot, ms[i:j])
		i = j
	}
}
