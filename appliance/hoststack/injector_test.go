package hoststack

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

func newInjector(t *testing.T, slots, n2k, n64k int) (*Injector, *ring.Ring[*mbuf.Mbuf]) {
	t.Helper()
	to := ring.New[*mbuf.Mbuf](slots)
	i, err := NewInjector(to, mbuf.PoolConfig{Name: "inject", N2K: n2k, N64K: n64k})
	must(t, err)
	return i, to
}

// TestInject: octets, port and kind arrive; the buffers come home.
func TestInject(t *testing.T) {
	i, to := newInjector(t, 4, 4, 1)
	if !i.Frame(3, []byte("a frame")) || !i.Packet(1, bytes.Repeat([]byte{7}, 60000), 9) {
		t.Fatal("dropped")
	}
	if err := i.Close(); !errors.Is(err, mbuf.ErrInUse) {
		t.Errorf("error %v while mbufs are out", err)
	}
	a, _ := to.Pop()
	b, _ := to.Pop()
	if string(a.Data()) != "a frame" || a.Port != 3 || a.Aux != 0 || a.Verdict != mbuf.Pass {
		t.Errorf("frame %q for port %d, kind %d", a.Data(), a.Port, a.Aux)
	}
	if !bytes.Equal(b.Data(), bytes.Repeat([]byte{7}, 60000)) || b.Port != 1 || b.Aux != 9 {
		t.Errorf("packet of %d octets for port %d, kind %d", b.Len(), b.Port, b.Aux)
	}
	a.Pool().Return(a)
	b.Pool().Return(b)
	must(t, i.Close())
}

// TestInjectorNeverWaits: a full ring, an empty pool and what is no packet drop, are counted, and leak nothing.
func TestInjectorNeverWaits(t *testing.T) {
	i, to := newInjector(t, 2, 3, 0)
	for n := range 5 {
		if ok := i.Frame(0, []byte{1}); ok != (n < 2) {
			t.Errorf("frame %d into a ring of 2: %v", n, ok)
		}
	}
	first, _ := to.Pop()
	if !i.Frame(0, []byte{1}) {
		t.Error("dropped although there is room")
	}
	second, _ := to.Pop()
	if i.Frame(0, []byte{1}) {
		t.Error("sent with an empty pool")
	}
	for _, bad := range []struct {
		port   int
		octets []byte
	}{{0, nil}, {-1, []byte{1}}, {1 << 16, []byte{1}}, {0, make([]byte, 70000)}} {
		if i.Frame(bad.port, bad.octets) {
			t.Errorf("%d octets for port %d were sent", len(bad.octets), bad.port)
		}
	}
	if i.Sent() != 3 || i.Dropped() != 8 {
		t.Errorf("%d sent and %d dropped, expected 3 and 8", i.Sent(), i.Dropped())
	}
	third, _ := to.Pop()
	for _, m := range []*mbuf.Mbuf{first, second, third} {
		m.Pool().Return(m)
	}
	must(t, i.Close())
	if _, err := NewInjector(to, mbuf.PoolConfig{}); err == nil {
		t.Error("an injector without mbufs")
	}
}

// TestInjectorConcurrent: many senders, one lcore that returns every buffer.
func TestInjectorConcurrent(t *testing.T) {
	i, to := newInjector(t, 64, 32, 0)
	var senders sync.WaitGroup
	for n := range 4 {
		senders.Go(func() {
			for range 1000 {
				i.Frame(n, []byte{byte(n)})
			}
		})
	}
	done := make(chan struct{})
	go func() { senders.Wait(); close(done) }()
	got := uint64(0)
	for ended := false; ; {
		m, ok := to.Pop()
		switch {
		case ok:
			if m.Data()[0] != byte(m.Port) {
				t.Fatal("mixed up")
			}
			m.Pool().Return(m)
			got++
			continue
		case ended:
			if got != i.Sent() || i.Sent()+i.Dropped() != 4000 {
				t.Errorf("%d arrived of %d, %d dropped", got, i.Sent(), i.Dropped())
			}
			must(t, i.Close())
			return
		}
		select {
		case <-done:
			ended = true
		default:
		}
	}
}
