package dataplane

import (
	"net/netip"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/iptfs"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
	"stillwater/pmd/tsc"
)

// The rig is two stepped planes back to back on in-memory wires, or one of them alone with the test in the place of its
// peer:
//
//	host a -- inside wire --  plane a  -- outside wire --  plane b  -- inside wire -- host b
//	10.1.0.9                10.1.0.1 192.0.2.1    192.0.2.2 10.2.0.1               10.2.0.9
//
// Port 0 of a plane is inside, port 1 outside. Every queue i belongs to lcore i. When a test ends every mbuf must be back
// in its pool.

const (
	insidePort  = 0
	outsidePort = 1
	rigSlots    = 16
)

// addresses are those of one plane and its host.
type addresses struct {
	outer, own, host, net     string
	outer6, own6, host6, net6 string
}

var (
	addrA = addresses{"192.0.2.1", "10.1.0.1", "10.1.0.9", "10.1.0.0/16", "2001:db8::1", "2001:db8:1::1", "2001:db8:1::9", "2001:db8:1::/48"}
	addrB = addresses{"192.0.2.2", "10.2.0.1", "10.2.0.9", "10.2.0.0/16", "2001:db8::2", "2001:db8:2::1", "2001:db8:2::9", "2001:db8:2::/48"}
)

// rigConfig is what a test may choose; the zero value is one lcore on raw wires.
type rigConfig struct {
	lcores   int
	ethernet bool
	link     pmd.Link           // follows from ethernet
	out      softpmd.Impairment // what plane a sends to plane b
	ring     int                // of the wires
	// steer spreads what a plane receives over its queues; nil puts all of it on queue 0.
	steer  softpmd.HashFunc
	wrap   func(port int, lcore int, q pmd.RxQueue) pmd.RxQueue // for plane a
	seed   uint64
	engine func(slots int) aead.Engine
	mbufs  int // of 2 KiB, by lcore
}

func (c *rigConfig) fill() {
	c.lcores = max(c.lcores, 1)
	if c.link = pmd.RawIP; c.ethernet {
		c.link = pmd.Ethernet
	}
	if c.mbufs == 0 {
		c.mbufs = 4096
	}
	if c.ring == 0 {
		c.ring = 1024
	}
	if c.steer == nil {
		c.steer = func([]byte, pmd.Link) uint32 { return 0 }
	}
}

// rig is the topology above.
type rig struct {
	t            testing.TB
	cfg          rigConfig
	clock        tsc.Manual
	a, b         *node
	hostA, hostB *host
	wire         *softpmd.Wire // the outside one
	pools        []*mbuf.Pool  // of everybody, closed when all else is
	framer       *iptfs.Framer // checkConservation: what is between a's packets and b's, where there is AGGFRAG
	reasm        *iptfs.Reassembler
}

// node is one plane with its memory.
type node struct {
	*Plane
	t      testing.TB
	clock  *tsc.Manual
	addr   addresses
	peer   addresses
	pools  []*mbuf.Pool
	ports  []pmd.Port
	gen    Generation // as last published, to be changed and published again
	ticket uint64
}

// host is the test's end of a wire.
type host struct {
	t    testing.TB
	pool *mbuf.Pool
	port pmd.Port
	rx   mbuf.Burst
}

// newRig builds both planes and publishes a generation with one child, which has no SA yet.
func newRig(t testing.TB, cfg rigConfig) *rig {
	t.Helper()
	r := newHalfRig(t, cfg)
	inside := newWire(t, &r.cfg, "inside b", softpmd.Impairment{})
	r.hostB = r.newHost(inside, softpmd.A)
	r.b = r.newNode(addrB, addrA, inside, softpmd.B)
	return r
}

// newHalfRig builds plane a and leaves the other end of the outside wire closed: openPeer gives it to the test.
func newHalfRig(t testing.TB, cfg rigConfig) *rig {
	t.Helper()
	cfg.fill()
	r := &rig{t: t, cfg: cfg}
	t.Cleanup(r.closePools)
	r.clock.Advance(1e9)
	r.wire = newWire(t, &cfg, "outside", cfg.out)
	inside := newWire(t, &cfg, "inside a", softpmd.Impairment{})
	r.hostA = r.newHost(inside, softpmd.A)
	r.a = r.newNode(addrA, addrB, inside, softpmd.A)
	return r
}

func (r *rig) openPeer() *host { return r.newHost(r.wire, softpmd.B) }

func newWire(t testing.TB, cfg *rigConfig, name string, im softpmd.Impairment) *softpmd.Wire {
	t.Helper()
	w, err := softpmd.NewWire(softpmd.WireConfig{
		Name: name, Link: cfg.link, Ring: cfg.ring, Seed: cfg.seed,
		Impair: [2]softpmd.Impairment{softpmd.A: im}, Hash: [2]softpmd.HashFunc{cfg.steer, cfg.steer},
	})
	must(t, err)
	return w
}

// newPool makes a pool that must be whole when the test ends.
func (r *rig) newPool(name string, n int) *mbuf.Pool {
	r.t.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: name, N2K: n, N9K: 64, N64K: 8})
	must(r.t, err)
	r.pools = append(r.pools, p)
	return p
}

func (r *rig) closePools() {
	if r.t.Failed() {
		return // what a failed test left undone is no news
	}
	for _, p := range r.pools {
		if err := p.Close(); err != nil {
			r.t.Errorf("leak: %v", err)
		}
	}
}

func (r *rig) newHost(w *softpmd.Wire, end softpmd.End) *host {
	r.t.Helper()
	h := &host{t: r.t, pool: r.newPool("host", 8192), rx: make(mbuf.Burst, mbuf.BurstSize)}
	pools := []*mbuf.Pool{h.pool}
	var err error
	h.port, err = w.Open(end, pmd.Config{RxPools: pools, TxPools: pools, MTU: 9000, Now: r.clock.Now})
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, h.port.Close()) })
	return h
}

// send puts frames on the wire and returns how many it took.
func (h *host) send(frames ...[]byte) int {
	h.t.Helper()
	for i, f := range frames {
		m := h.pool.Get(len(f))
		if m == nil {
			h.t.Fatal("the host is out of mbufs")
		}
		copy(m.Append(len(f)), f)
		if h.port.Tx(0).TxBurst(mbuf.Burst{m}) == 0 {
			h.pool.Put(m)
			return i
		}
	}
	return len(frames)
}

// receive returns everything that has arrived.
func (h *host) receive() (frames [][]byte) {
	for {
		n := h.port.Rx(0).RxBurst(h.rx)
		if n == 0 {
			return frames
		}
		for _, m := range h.rx[:n] {
			frames = append(frames, append([]byte(nil), m.Data()...))
		}
		h.pool.Free(h.rx[:n])
	}
}

// discard frees everything that has arrived, without an allocation, and returns how much.
func (h *host) discard() (total int) {
	for {
		n := h.port.Rx(0).RxBurst(h.rx)
		if n == 0 {
			return total
		}
		h.pool.Free(h.rx[:n])
		total += n
	}
}

// step lets ns pass and runs both planes.
func (r *rig) step(ns int64) {
	now := r.clock.Advance(ns)
	r.a.Step(now)
	if r.b != nil {
		r.b.Step(now)
	}
}

// steps repeats step.
func (r *rig) steps(n int, ns int64) {
	for range n {
		r.step(ns)
	}
}

// tunnelSA is a plain tunnel SA from one node to the other whose keys follow from its SPI.
func tunnelSA(spi uint32, from, to addresses) SA {
	sa := SA{
		SPI: spi, Alg: suite.AES128GCM16, Mode: esp.ModeTunnel, ESN: true, KeymatLen: 20, MTU: 1500, MaxInner: 9216,
		Src: AddrFrom(netip.MustParseAddr(from.outer)), Dst: AddrFrom(netip.MustParseAddr(to.outer)),
	}
	for i := range sa.Keymat[:sa.KeymatLen] {
		sa.Keymat[i] = byte(spi>>(i%4*8)) ^ byte(i*37) | 1
	}
	return sa
}

// aggregateSA is an AGGFRAG SA that sends on demand.
func aggregateSA(spi uint32, from, to addresses) SA {
	sa := tunnelSA(spi, from, to)
	sa.Mode = esp.ModeAGGFRAG
	sa.Framing = Framing{OuterSize: 1400, QueueOctets: 1 << 20, QueuePackets: 1024}
	sa.Reorder = Reorder{Window: 3, LostTimer: 5e6}
	return sa
}

// constantSA is an IP-TFS SA with one payload per millisecond.
func constantSA(spi uint32, from, to addresses) SA {
	sa := aggregateSA(spi, from, to)
	sa.Framing.Constant = true
	sa.Framing.Interval = iptfs.Interval{Num: 1e6, Den: 1}
	return sa
}

// connect installs one SA from a to b on lcore 0 of a and on the owner of its SPI at b, and points all lcores of a at it.
func (r *rig) connect(make func(spi uint32, from, to addresses) SA, spi uint32) (out, in uint32) {
	r.t.Helper()
	sa := make(spi, addrA, addrB)
	in = r.b.installIn(r.b.owner(spi), sa)
	out = r.a.installOut(0, sa)
	r.a.point(0, OutRef{0, out})
	return out, in
}

// owner returns the lcore that owns an inbound SPI.
func (n *node) owner(spi uint32) int {
	g := n.Generation()
	return g.Buckets.Lcore(&g.Perm, spi)
}

// total sums the live counters of a plane's lcores.
func (n *node) total() (c Counters) {
	for _, w := range n.workers {
		w.publishAllSAs()
		c.Add(&w.count)
	}
	return c
}

// wantVerdicts compares all verdict counts that are not zero.
func wantVerdicts(t testing.TB, c Counters, want map[mbuf.Verdict]uint64) {
	t.Helper()
	for v := range mbuf.NumVerdicts {
		if c.Verdicts[v] != want[v] {
			t.Errorf("verdict %s: %d packets, expected %d", v, c.Verdicts[v], want[v])
		}
	}
}
