package fdpmd

import (
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// rig is a port with one pool, and the bare socket at its other end.
type rig struct {
	testing.TB
	port pmd.Port
	pool *mbuf.Pool
	peer int
}

// newRig opens a port over one end of a socket pair. The clock stands at 42.
func newRig(tb testing.TB, opts Options) *rig {
	tb.Helper()
	fd, peer, err := Pair()
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{TB: tb, pool: newPool(tb), peer: peer}
	pools := []*mbuf.Pool{r.pool}
	r.port, err = New(fd, pmd.Config{RxPools: pools, TxPools: pools, Index: 3, Now: func() int64 { return 42 }}, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.port.Close(); err != nil {
			tb.Error(err)
		}
		r.hangUp()
	})
	return r
}

// newPool returns a pool that has to be whole again when the test ends.
func newPool(tb testing.TB) *mbuf.Pool {
	tb.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: "test", N2K: 512})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// hangUp closes the peer's socket, once.
func (r *rig) hangUp() {
	if r.peer >= 0 {
		_ = unix.Close(r.peer)
	}
	r.peer = -1
}

// inject writes a message at the peer.
func (r *rig) inject(frames ...[]byte) {
	r.Helper()
	for _, f := range frames {
		if err := unix.Send(r.peer, f, 0); err != nil {
			r.Fatal(err)
		}
	}
}

// wire reads a message at the peer.
func (r *rig) wire() []byte {
	r.Helper()
	b := make([]byte, 70000)
	n, _, err := unix.Recvfrom(r.peer, b, unix.MSG_DONTWAIT)
	if err != nil {
		r.Fatalf("nothing on the wire: %v", err)
	}
	return b[:n]
}

// mbufs returns an mbuf for each frame.
func (r *rig) mbufs(frames ...[]byte) (ms []*mbuf.Mbuf) {
	r.Helper()
	for _, f := range frames {
		m := r.pool.Get(len(f))
		copy(m.Append(len(f)), f)
		ms = append(ms, m)
	}
	return ms
}

// receive polls once and demands n packets, which go back to the pool when the test ends.
func (r *rig) receive(n int) []*mbuf.Mbuf {
	r.Helper()
	ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
	k := r.port.Rx(0).RxBurst(ms)
	r.Cleanup(func() { r.pool.Free(ms[:k]) })
	if k != n {
		r.Fatalf("received %d packets, expected %d", k, n)
	}
	return ms[:k]
}

// macs is the part of a frame in front of a tag.
var macs = []byte{0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2}

// frame is macs followed by the parts given.
func frame(parts ...[]byte) []byte {
	f := append([]byte{}, macs...)
	for _, p := range parts {
		f = append(f, p...)
	}
	return f
}

// ipv4 and tag are an EtherType and an 802.1Q tag with priority 7 and VLAN 100.
var (
	ipv4 = []byte{0x08, 0x00}
	tag  = []byte{0x81, 0x00, 0xe0, 0x64}
)
