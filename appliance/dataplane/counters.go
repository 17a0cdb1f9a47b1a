package dataplane

import (
	"sync/atomic"

	"stillwater/pmd/mbuf"
)

// Counters are the plain counters of one lcore, owned by it. Verdicts counts every packet that ended, by reason.
type Counters struct {
	InsideRx, InsideTx   uint64 // clear packets from and to protected networks
	OutsideRx, OutsideTx uint64 // packets from and to the outside
	InsideRxOctets       uint64 // octets of IP
	InsideTxOctets       uint64
	Sealed, Opened       uint64 // ESP packets made and accepted
	SealedOut, ClearOut  uint64 // packets handed to another lcore: sealed by SPI, clear by policy
	MissedSlots          uint64 // constant-rate slots that passed and were skipped
	FullBursts           uint64 // receive calls that filled the burst: the lcore is behind
	Verdicts             [mbuf.NumVerdicts]uint64
}

// numWords is the length of a published block.
const numWords = 12 + int(mbuf.NumVerdicts)

// words lays the counters out for publishing; the order is that of load.
func (c *Counters) words(dst *[numWords]uint64) {
	*dst = [numWords]uint64{c.InsideRx, c.InsideTx, c.OutsideRx, c.OutsideTx, c.InsideRxOctets, c.InsideTxOctets,
		c.Sealed, c.Opened, c.SealedOut, c.ClearOut, c.MissedSlots, c.FullBursts}
	copy(dst[12:], c.Verdicts[:])
}

func (c *Counters) load(src *[numWords]uint64) {
	c.InsideRx, c.InsideTx, c.OutsideRx, c.OutsideTx, c.InsideRxOctets, c.InsideTxOctets = src[0], src[1], src[2], src[3], src[4], src[5]
	c.Sealed, c.Opened, c.SealedOut, c.ClearOut, c.MissedSlots, c.FullBursts = src[6], src[7], src[8], src[9], src[10], src[11]
	copy(c.Verdicts[:], src[12:])
}

// Add adds other to c, for sums over lcores.
func (c *Counters) Add(other *Counters) {
	var a, b [numWords]uint64
	c.words(&a)
	other.words(&b)
	for i := range a {
		a[i] += b[i]
	}
	c.load(&a)
}

// Drops returns the counts of packets that were lost to somebody, by the name of the verdict; padding, keepalives and
// punted packets are not among them.
func (c *Counters) Drops() map[string]uint64 {
	drops := map[string]uint64{}
	for v, n := range c.Verdicts {
		if n > 0 && mbuf.Verdict(v).Drop() {
			drops[mbuf.Verdict(v).String()] = n
		}
	}
	return drops
}

// published is the copy of a lcore's counters that others may read. One atomic store a word costs the lcore about 6 ns, so
// it publishes at most once a millisecond; a reader may see words of two moments, each of them right on its own.
type published struct {
	_    [64]byte
	word [numWords]atomic.Uint64
}

func (p *published) store(c *Counters) {
	var w [numWords]uint64
	c.words(&w)
	for i := range w {
		p.word[i].Store(w[i])
	}
}

func (p *published) load() (c Counters) {
	var w [numWords]uint64
	for i := range w {
		w[i] = p.word[i].Load()
	}
	c.load(&w)
	return c
}

// folded is how much of the drops of a framer or reassembler is in the lcore's counters already, modulo 2^32.
type folded [mbuf.NumVerdicts]uint32

// fold adds what is new in drops.
func (c *Counters) fold(f *folded, drops *[mbuf.NumVerdicts]uint64) {
	for v := range drops {
		if d := uint32(drops[v]) - f[v]; d != 0 {
			c.Verdicts[v] += uint64(d)
			f[v] += d
		}
	}
}
