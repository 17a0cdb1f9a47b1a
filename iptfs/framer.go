package iptfs

import (
	"fmt"
	"math"
	"time"

	"stillwater/pmd/mbuf"
)

const (
	// DefaultMinFragment is the room a tail needs before a fragment starts in it. Shorter fragments can panic Linux
	// peers, though RFC 9347 allows a single octet.
	DefaultMinFragment = 40
	// DefaultMaxInner is the longest inner packet taken where the configuration names none.
	DefaultMaxInner = 9216

	// minFragment holds the length fields of an inner header of both families, so that no fragment is a runt.
	minFragment = blockNeed
	// maxInner is what BlockOffset can count to; it leaves out IPv6 packets of 65536 to 65575 octets (RFC 9347 2.2.3).
	maxInner = math.MaxUint16
	// maxPayload is what an outer IP packet can be at the most.
	maxPayload = math.MaxUint16
	// maxQueue keeps the ring's cursors, 32 bits that wrap, apart from each other.
	maxQueue = 1 << 24
	// offerScratch is the longest burst Offer takes without an allocation when it rejects packets.
	offerScratch = 8 * mbuf.BurstSize
	// markShare is the part of the queue's octets that is free, by default, when ECN-capable packets begin to be marked.
	markShare = 20
	// maxHold keeps deadlines from overflowing; it is far beyond every use.
	maxHold = int64(time.Hour)
)

// FramerConfig says what payloads a Framer makes and how much may wait for them.
type FramerConfig struct {
	PayloadSize  int   // octets of a payload, AGGFRAG header included: exact with Fixed, the most there is without
	Fixed        bool  // IP-TFS: every payload is PayloadSize long, padded, all pad where nothing waits (RFC 9347 2.1)
	MinFragment  int   // octets of room a tail needs before a fragment starts in it; 0 for DefaultMinFragment, 6 at least
	DontFragment bool  // the peer set D: every inner packet goes whole in one block (RFC 9347 6.1.4)
	CC           bool  // sub-type 1 headers will be set; with DontFragment, inner packets must leave room for them
	MaxInner     int   // octets of the longest inner packet; 0 for DefaultMaxInner, 65535 at the most
	MaxBlocks    int   // inner packets one payload may begin, the quota of a constant-work lcore; 0 for no bound
	QueuePackets int   // inner packets that may wait, a power of two
	QueueOctets  int   // octets that may wait
	MarkOctets   int   // waiting octets above which ECT packets are marked CE; 0 for 95 % of QueueOctets, QueueOctets for never
	HoldTime     int64 // nanoseconds a payload that is not full waits for more; 0 sends at once; without Fixed only
	MaxWait      int64 // nanoseconds an inner packet may wait before it is dropped, max-aggregation-time; 0 for no bound

	// Scratch is where Offer puts rejected packets aside, as long as its longest burst. Framers of one owner may share it; nil
	// for 2 KiB of its own.
	Scratch mbuf.Burst
}

// withDefaults fills in what was left zero.
func (c FramerConfig) withDefaults() FramerConfig {
	if c.MinFragment == 0 {
		c.MinFragment = DefaultMinFragment
	}
	if c.MaxInner == 0 {
		c.MaxInner = DefaultMaxInner
	}
	if c.MaxBlocks == 0 {
		c.MaxBlocks = maxQueue
	}
	if c.MarkOctets == 0 {
		c.MarkOctets = c.QueueOctets - c.QueueOctets/markShare
	}
	if c.Scratch == nil {
		c.Scratch = make(mbuf.Burst, offerScratch)
	}
	return c
}

// check refuses what no Framer can be built from; defaults are filled in already.
func (c FramerConfig) check() error {
	if err := c.checkSize(c.PayloadSize); err != nil {
		return err
	}
	for _, r := range []struct {
		name           string
		v, least, most int64
	}{
		{"min fragment", int64(c.MinFragment), minFragment, maxPayload},
		{"max inner", int64(c.MaxInner), ipv4MinLen, maxInner},
		{"max blocks", int64(c.MaxBlocks), 1, maxQueue},
		{"queue packets", int64(c.QueuePackets), 1, maxQueue},
		{"queue octets", int64(c.QueueOctets), 1, math.MaxInt},
		{"mark octets", int64(c.MarkOctets), 0, int64(c.QueueOctets)},
		{"hold time", c.HoldTime, 0, maxHold},
		{"max wait", c.MaxWait, 0, math.MaxInt64},
	} {
		if r.v < r.least || r.v > r.most {
			return fmt.Errorf("framer: %s %d, expected %d to %d", r.name, r.v, r.least, r.most)
		}
	}
	if c.QueuePackets&(c.QueuePackets-1) != 0 {
		return fmt.Errorf("framer: queue packets %d, expected a power of two", c.QueuePackets)
	}
	return nil
}

// checkSize refuses payloads in which a packet could not even begin behind the longer header: so a fragment may always
// start where a payload starts, whatever the header.
func (c FramerConfig) checkSize(payload int) error {
	if least := CCHeaderLen + max(c.MinFragment, ipv6Len); payload < least || payload > maxPayload {
		return fmt.Errorf("framer: payload size %d, expected %d to %d", payload, least, maxPayload)
	}
	return nil
}

// longest returns the longest inner packet that payloads of this size take.
func (c FramerConfig) longest(payload int) int {
	switch {
	case !c.DontFragment:
		return c.MaxInner
	case c.CC:
		return min(c.MaxInner, payload-CCHeaderLen)
	default:
		return min(c.MaxInner, payload-BasicHeaderLen)
	}
}

// Framer makes AGGFRAG payloads of the inner packets of one outbound SA: it queues them, aggregates, fragments and pads
// (RFC 9347 2.2). A Framer is owned by one lcore.
//
// Its queue is one ring with three cursors, done <= head <= tail. Packets from head to tail wait untouched; those from
// done to head are used up and are freed at the end of Emit, but for the last of them while rest is not zero: that one
// is the packet the last payload ended in, and its rest octets come first in the next.
type Framer struct {
	cfg      FramerConfig
	size     int // octets of a payload
	longest  int // octets of the longest inner packet taken
	minSplit int // octets of room for which a packet is cut; above any room where none may be
	header   Header

	ring             []*mbuf.Mbuf
	at               []int64 // when the packet in the same place of ring was offered
	mask             uint32
	done, head, tail uint32
	rest             int // octets of the packet before head that are still to be sent
	octets           int // octets waiting, rest included
	settling         bool

	counters FramerCounters
	drops    [mbuf.NumVerdicts]uint64
}

// FramerCounters counts what a Framer sent; the names are those of RFC 9348. At every moment
//
//	PayloadOctets = header octets + TxOctets + TxAllPadOctets + TxExtraPadOctets
type FramerCounters struct {
	TxPkts           uint64 // inner packets sent to their last octet; a fragmented one counts once
	TxOctets         uint64 // inner octets sent
	TxAllPadPkts     uint64 // payloads of padding only
	TxAllPadOctets   uint64
	TxExtraPadPkts   uint64 // payloads with data that also had padding
	TxExtraPadOctets uint64
	Payloads         uint64
	PayloadOctets    uint64
	Marked           uint64 // inner packets marked CE
}

// NewFramer returns an empty Framer that sends sub-type 0 headers. Its queue is allocated here, once.
func NewFramer(cfg FramerConfig) (*Framer, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	f := &Framer{
		cfg:     cfg,
		size:    cfg.PayloadSize,
		longest: cfg.longest(cfg.PayloadSize),
		ring:    make([]*mbuf.Mbuf, cfg.QueuePackets),
		at:      make([]int64, cfg.QueuePackets),
		mask:    uint32(cfg.QueuePackets - 1),
	}
	f.Settle(false)
	return f, nil
}

// SetHeader sets the header of the payloads from the next one on; BlockOffset is the Framer's own. It returns false, and
// changes nothing, for an unknown sub-type, and for sub-type 1 where the configuration did not announce it: a packet
// already queued might no longer fit whole.
func (f *Framer) SetHeader(h Header) bool {
	if h.SubType > SubTypeCC || h.SubType == SubTypeCC && !f.cfg.CC {
		return false
	}
	f.header = h
	return true
}

// Resize changes the size of payloads from the next one on (RFC 9347 2: receivers take every size at every time). Where
// the peer refuses fragments, waiting packets that no longer fit are freed to pool and counted under TooBig.
func (f *Framer) Resize(payload int, pool *mbuf.Pool) error {
	if err := f.cfg.checkSize(payload); err != nil {
		return err
	}
	f.size, f.longest = payload, f.cfg.longest(payload)
	kept := f.head
	for i := f.head; i != f.tail; i++ {
		m := f.ring[i&f.mask]
		if m.Len() > f.longest {
			f.octets -= m.Len()
			f.drops[mbuf.TooBig]++
			pool.Put(m)
			continue
		}
		f.ring[kept&f.mask], f.at[kept&f.mask] = m, f.at[i&f.mask]
		kept++
	}
	f.tail = kept
	return nil
}

// MaxInner returns the octets of the longest inner packet Offer takes now: what an ICMP too-big message reports.
func (f *Framer) MaxInner() int { return f.longest }

// Counters returns what was sent so far.
func (f *Framer) Counters() FramerCounters { return f.counters }

// Drops counts the packets the Framer freed itself, by verdict: AgedOut, TooBig after Resize, Drained. What Offer
// rejects is counted by whoever frees it. The array is the live one, to be read by the owner.
func (f *Framer) Drops() *[mbuf.NumVerdicts]uint64 { return &f.drops }
