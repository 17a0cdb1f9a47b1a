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
	spi    uint32
	// tunnelMTU is the largest inner packet of a plain tunnel SA, octets; 0 on AGGFRAG SAs, which have no such limit.
	tunnelMTU int
	queued    bool    // in Worker.ready
	folded    *folded // of the framer's drops, already in the lcore's counters
	// resume is its frame function from the moment on at which it takes its predecessor's place; nil but while it waits for that.
	resume func(w *Worker, slot uint32, run mbuf.Burst)
	// removal is the RemoveOutbound order that waits until the framer is empty; op 0 when there is none.
	removal order
}

// inSA is the same for an inbound SA.
type inSA struct {
	// arrive takes opened payloads: unframe, or what comes before it, chosen when the SA is built.
	arrive  arrivalFunc
	unframe arrivalFunc
	reasm   *iptfs.Reassembler
	child   uint32
	spi     uint32
	armed   int64   // when the wheel will call, 0: not at all
	folded  *folded // of the reassembler's drops, already in the lcore's counters
	peer    peer
}

// newOutSA builds the framing half of an outbound SA; scratch is its lcore's, for the framer.
func newOutSA(c *Command, p *esp.Params, scratch mbuf.Burst) (outSA, error) {
	sa := outSA{child: c.Child, spi: c.SA.SPI}
	capacity, err := c.SA.capacity(p)
	if err != nil {
		return sa, err
	}
	if c.SA.Mode != esp.ModeAGGFRAG {
		sa.frame, sa.tunnelMTU = frameTunnel, capacity
		return sa, nil
	}
	if sa.framer, err = c.SA.framer(capacity, scratch); err != nil {
		return sa, err
	}
	sa.frame, sa.offer, sa.folded = frameOnDemand, offerAny, new(folded)
	if c.SA.Framing.DontFragment {
		sa.offer = offerWhole
	}
	if c.SA.Framing.Constant {
		sa.frame = frameQueued
		sa.pacer, err = iptfs.NewPacer(c.SA.Framing.Interval, 1)
	}
	return sa, err
}

// newInSA builds the unframing half of an inbound SA.
func newInSA(c *Command) (inSA, error) {
	sa := inSA{child: c.Child, spi: c.SA.SPI, unframe: unframeTunnel, peer: peer{addr: c.SA.Src, port: c.SA.SrcPort}}
	if c.SA.Mode == esp.ModeAGGFRAG {
		r, err := c.SA.reassembler()
		if err != nil {
			return sa, err
		}
		sa.reasm, sa.unframe, sa.folded = r, unframeAggfrag, new(folded)
	}
	sa.arrive = c.SA.arrival(sa.unframe)
	return sa, nil
}

// resize makes packets carry capacity octets from the next one on.
func (sa *outSA) resize(capacity int, pool *mbuf.Pool) error {
	if sa.framer == nil {
		sa.tunnelMTU = capacity
		return nil
	}
	return sa.framer.Resize(capacity, pool)
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
