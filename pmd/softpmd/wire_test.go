package softpmd

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// TestFullRingLosesNothing: the sender keeps what the ring has no room for, and can send it later.
func TestFullRingLosesNothing(t *testing.T) {
	for name, im := range map[string]Impairment{"straight": {}, "packet by packet": {Loss: 1e-12}} {
		t.Run(name, func(t *testing.T) {
			w := newWireTest(t, WireConfig{Ring: 64, Impair: [2]Impairment{im, {}}})
			if n := w.send(A, 0, 100, 60); n != 64 {
				t.Fatalf("a ring of 64 took %d", n)
			}
			if n := w.send(A, 64, 1, 60); n != 0 {
				t.Errorf("a full ring took %d", n)
			}
			got := numbers(w.receive(B))
			if n := w.send(A, 64, 36, 60); n != 36 {
				t.Errorf("an empty ring took %d of 36", n)
			}
			got = append(got, numbers(w.receive(B))...)
			if len(got) != 100 || !slices.IsSorted(got) {
				t.Errorf("arrived: %v", got)
			}
			w.close()
		})
	}
}

// TestOversizeAmongOthers: what does not fit is dropped wherever in the burst it stands.
func TestOversizeAmongOthers(t *testing.T) {
	w := newWireTest(t, WireConfig{})
	var ms []*mbuf.Mbuf
	for i, size := range []int{1515, 60, 1514, 1515, 1516, 61, 1515} {
		ms = append(ms, numbered(w.pools[A], i, size))
	}
	if n := w.ports[A].Tx(0).TxBurst(ms); n != len(ms) {
		t.Errorf("%d of %d taken", n, len(ms))
	}
	if got := numbers(w.receive(B)); !slices.Equal(got, []int{1, 2, 5}) {
		t.Errorf("arrived: %v, expected 1, 2, 5", got)
	}
	if s := w.ports[A].Stats(); s.TxPackets != 3 || s.TxOctets != 60+1514+61 || s.TxDropped != 4 {
		t.Errorf("stats %+v, expected 3 packets of 1635 octets, 4 dropped", s)
	}
	w.close()
}

// TestSmallerMTUCounts: the end with the smaller MTU sets the limit for both directions.
func TestSmallerMTUCounts(t *testing.T) {
	w := newWireTest(t, WireConfig{Link: pmd.RawIP})
	w.ports[B].Close()
	b, err := w.w.Open(B, pmd.Config{RxPools: w.pools[B:], MTU: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w.ports[B] = b
	w.send(A, 0, 1, 1001)
	w.send(A, 1, 1, 1000)
	if got := numbers(w.receive(B)); !slices.Equal(got, []int{1}) {
		t.Errorf("arrived: %v, expected 1", got)
	}
	w.close()
}

// TestSenderMetadataStays: a stage's notes do not travel over a wire.
func TestSenderMetadataStays(t *testing.T) {
	w := newWireTest(t, WireConfig{})
	m := numbered(w.pools[A], 1, 60)
	m.SPI, m.SA, m.Seq, m.Hash, m.Port, m.Queue, m.VLAN, m.L3, m.NextHeader = 1, 2, 3, 4, 5, 6, 7, 8, 9
	m.TOS, m.TTL, m.Verdict, m.Aux, m.Flags = 10, 11, mbuf.TooBig, 13, m.Flags|mbuf.FlagHash
	w.now = 42
	w.ports[A].Tx(0).TxBurst([]*mbuf.Mbuf{m})
	var got [1]*mbuf.Mbuf
	if w.ports[B].Rx(0).RxBurst(got[:]) != 1 {
		t.Fatal("nothing arrived")
	}
	var want, have mbuf.Mbuf // outside any pool: nothing but metadata
	want.Time = 42
	have.CopyMeta(got[0])
	if !reflect.DeepEqual(have, want) {
		t.Errorf("metadata %+v, expected that of a fresh mbuf: %+v", have, want)
	}
	w.pools[B].Put(got[0])
	w.close()
}

// TestPeerComesAndGoes: without a peer nothing is taken; a peer that closed can come back, with other queues.
func TestPeerComesAndGoes(t *testing.T) {
	w := newWireTest(t, WireConfig{})
	w.send(A, 0, 10, 60)
	w.ports[B].Close()
	if n := w.pools[A].Available(mbuf.Class2K); n != 4096 {
		t.Errorf("%d of 4096 mbufs are home after the receiver closed", n)
	}
	if n := w.send(A, 0, 10, 60); n != 0 {
		t.Errorf("a wire with one end took %d packets", n)
	}
	w.open(B, 3)
	w.send(A, 20, 10, 60)
	if got := w.receive(B); len(got) != 10 { // not IP: all on queue 0
		t.Errorf("%d of 10 arrived at the new peer", len(got))
	}
	w.send(A, 30, 10, 60)
	w.ports[A].Close()
	if got := w.receive(B); len(got) != 10 {
		t.Errorf("%d of 10 arrived after the sender closed", len(got))
	}
	w.open(A, 1)
	w.send(B, 40, 5, 60)
	if got := w.receive(A); len(got) != 5 {
		t.Errorf("%d of 5 arrived at the sender that came back", len(got))
	}
	w.close()
}

// TestPeerLeavesUnderLoad: an lcore may be sending and receiving while the other end closes and opens, and no mbuf is lost.
func TestPeerLeavesUnderLoad(t *testing.T) {
	w := newWireTest(t, WireConfig{Ring: 64})
	extra := newPool(t, 512)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		ms := make([]*mbuf.Mbuf, 32)
		for !stop.Load() {
			w.send(A, 0, 32, 60)
			w.pools[A].Free(ms[:w.ports[A].Rx(0).RxBurst(ms)])
		}
	})
	ms := make([]*mbuf.Mbuf, 32)
	w.ports[B].Close()
	for range 200 {
		b, err := w.w.Open(B, pmd.Config{RxPools: []*mbuf.Pool{extra}, TxPools: []*mbuf.Pool{extra}, Now: func() int64 { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			extra.Free(ms[:b.Rx(0).RxBurst(ms)])
			k := extra.GetBurst(ms[:1], mbuf.Class2K) // all of them may be on their way
			for _, m := range ms[:k] {
				m.SetLen(60)
			}
			extra.Free(ms[b.Tx(0).TxBurst(ms[:k]):k])
		}
		b.Close()
	}
	stop.Store(true)
	wg.Wait()
	w.open(B, 1)
	w.close()
	if err := extra.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilterAndTap(t *testing.T) {
	w := newWireTest(t, WireConfig{})
	var tapped []int64
	w.w.SetTap(A, func(from End, frame []byte, now int64) {
		if from != A || len(frame) != 60 {
			t.Errorf("tap sees end %v, %d octets", from, len(frame))
		}
		tapped = append(tapped, now)
	})
	w.w.SetFilter(A, func(frame []byte) bool { return frame[59]%2 == 0 })
	w.now = 7
	w.send(A, 0, 4, 60)
	if got := numbers(w.receive(B)); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("the filter let pass %v, expected 0 and 2", got)
	}
	if !slices.Equal(tapped, []int64{7, 7, 7, 7}) {
		t.Errorf("the tap saw times %v, expected 7 four times, before the filter", tapped)
	}
	w.w.SetFilter(A, nil)
	w.w.SetTap(A, nil)
	w.send(A, 0, 4, 60)
	if got := w.receive(B); len(got) != 4 || len(tapped) != 4 {
		t.Errorf("without hooks %d of 4 arrived and the tap saw %d", len(got), len(tapped)-4)
	}
	if s := w.ports[A].Stats(); s.TxDropped != 2 {
		t.Errorf("%d dropped, expected the 2 filtered", s.TxDropped)
	}
	w.close()
}

// TestWiresTakeTurns: with several transmit queues none is starved by a small burst.
func TestWiresTakeTurns(t *testing.T) {
	w := newWireTest(t, WireConfig{})
	w.ports[A].Close()
	w.open(A, 3)
	for q := range 3 {
		ms := []*mbuf.Mbuf{numbered(w.pools[A], q, 60), numbered(w.pools[A], q, 60), numbered(w.pools[A], q, 60)}
		w.ports[A].Tx(q).TxBurst(ms)
	}
	count := map[int]int{}
	one := make([]*mbuf.Mbuf, 1)
	for range 3 {
		w.ports[B].Rx(0).RxBurst(one)
		count[int(one[0].Data()[59])]++
		w.pools[B].Free(one)
	}
	if len(count) != 3 {
		t.Errorf("three polls of one packet saw queues %v, expected all three", count)
	}
	w.close()
}

func TestOpenErrors(t *testing.T) {
	w, err := NewWire(WireConfig{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, 1)
	cfg := pmd.Config{RxPools: []*mbuf.Pool{pool}}
	if _, err := w.Open(A, cfg); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		end  End
		mtu  int
		want string
	}{
		{A, 0, "end a is open already"},
		{2, 0, "end 2, expected 0 or 1"},
		{B, -1, "MTU of -1, expected 1 to 65535 octets"},
		{B, 65536, "MTU of 65536, expected 1 to 65535 octets"},
	} {
		cfg.MTU = c.mtu
		if p, err := w.Open(c.end, cfg); p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("end %d, MTU %d: error %v, expected %q", c.end, c.mtu, err, c.want)
		}
	}
	for _, ring := range []int{-1, 3, 1 << 17} {
		if _, err := NewWire(WireConfig{Ring: ring}); err == nil || !strings.Contains(err.Error(), "power of two") {
			t.Errorf("ring of %d: error %v, expected one about powers of two", ring, err)
		}
	}
}

// BenchmarkWire is the price of one packet, sent and received: the same mbufs go round, without the work of a pool.
func BenchmarkWire(b *testing.B) {
	for _, c := range []struct {
		name   string
		queues int
		im     Impairment
	}{{"plain", 1, Impairment{}}, {"rss4", 4, Impairment{}}, {"delay", 1, Impairment{Delay: 1}}, {"rate10g", 1, Impairment{Rate: 10e9}}} {
		b.Run(c.name, func(b *testing.B) {
			w := newWireTest(b, WireConfig{Link: pmd.RawIP, Impair: [2]Impairment{c.im, {}}})
			w.ports[B].Close()
			w.open(B, c.queues)
			ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
			for i := range ms {
				ip := ipPacket(v4a, v4b, protoUDP, ports(uint16(i), 9))
				ms[i] = w.pools[A].Get(len(ip))
				copy(ms[i].Append(len(ip)), ip)
			}
			tx := w.ports[A].Tx(0)
			var rx []pmd.RxQueue
			for q := range c.queues {
				rx = append(rx, w.ports[B].Rx(q))
			}
			for b.Loop() {
				tx.TxBurst(ms)
				w.now += 1_000_000
				for n, q := 0, 0; n < len(ms); q = (q + 1) % len(rx) {
					n += rx[q].RxBurst(ms[n:])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ms)), "ns/packet")
			w.pools[B].Free(ms)
			w.close()
		})
	}
}
