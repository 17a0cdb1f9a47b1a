package dataplane

import (
	"reflect"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestProtocolIsPointerFree walks what control and data plane send each other: it must be able to cross a process boundary.
func TestProtocolIsPointerFree(t *testing.T) {
	for _, v := range []any{Command{}, Ack{}, Event{}, order{}} {
		checkPointerFree(t, reflect.TypeOf(v), reflect.TypeOf(v).Name())
	}
}

func checkPointerFree(t *testing.T, typ reflect.Type, path string) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Struct:
		for f := range typ.Fields() {
			checkPointerFree(t, f.Type, path+"."+f.Name)
		}
	case reflect.Array:
		checkPointerFree(t, typ.Elem(), path+"[]")
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		t.Errorf("%s is a %s: expected a value of fixed size", path, typ.Kind())
	}
}

// TestCountersRoundTrip: every counter has a word of its own in the published block, and sums are by field.
func TestCountersRoundTrip(t *testing.T) {
	var c Counters
	v := reflect.ValueOf(&c).Elem()
	n := uint64(0)
	for _, f := range v.Fields() {
		if f.Kind() == reflect.Array {
			for k := range f.Len() {
				n++
				f.Index(k).SetUint(n)
			}
			continue
		}
		n++
		f.SetUint(n)
	}
	if n != uint64(numWords) {
		t.Errorf("%d counters, %d words", n, numWords)
	}
	var p published
	p.store(&c)
	if got := p.load(); got != c {
		t.Errorf("published %+v, expected %+v", got, c)
	}
	sum := c
	sum.Add(&c)
	if sum.InsideRx != 2*c.InsideRx || sum.FullBursts != 2*c.FullBursts || sum.Verdicts[mbuf.NumVerdicts-1] != 2*c.Verdicts[mbuf.NumVerdicts-1] {
		t.Errorf("sum %+v", sum)
	}
}

// TestCountersArePublished: once a millisecond what others read is what the lcore counts, and not more often.
func TestCountersArePublished(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2, steer: spray()})
	r.connect(aggregateSA, 0x1000)
	for i := range uint32(20) {
		r.hostA.send(numbered(addrA.host, addrB.host, 500, i), numbered(addrA.host, "100.64.0.1", 60, i))
		r.step(1e6)
		var sum Counters
		for _, n := range []*node{r.a, r.b} {
			for l, w := range n.workers {
				if got := n.Counters(l); got != w.count {
					t.Fatalf("step %d: published %+v, expected %+v", i, got, w.count)
				}
				sum.Add(&w.count)
			}
		}
		total := r.a.Total()
		other := r.b.Total()
		total.Add(&other)
		if total != sum {
			t.Fatalf("total %+v, expected %+v", total, sum)
		}
	}
	before := r.a.Counters(0)
	r.hostA.send(numbered(addrA.host, addrB.host, 500, 0), numbered(addrA.host, addrB.host, 500, 1))
	r.step(999_999)
	if r.a.Counters(0) != before {
		t.Error("published within a millisecond")
	}
	r.step(1)
	if r.a.Counters(0) == before {
		t.Error("not published after a millisecond")
	}
}

// TestDrops names what was lost, and only that.
func TestDrops(t *testing.T) {
	var c Counters
	c.Verdicts[mbuf.Punted], c.Verdicts[mbuf.AggAllPad], c.Verdicts[mbuf.Keepalive] = 1, 2, 3
	c.Verdicts[mbuf.TxFull], c.Verdicts[mbuf.AuthFailed] = 4, 5
	if got := c.Drops(); len(got) != 2 || got["tx_full"] != 4 || got["auth_failed"] != 5 {
		t.Errorf("drops %v, expected tx_full and auth_failed", got)
	}
}

// TestFramerDropsOutliveTheSA: what a framer has dropped on its own account is counted when its SA goes, at the latest.
func TestFramerDropsOutliveTheSA(t *testing.T) {
	r := newRig(t, rigConfig{})
	sa := constantSA(0x1000, addrA, addrB)
	sa.Framing.MaxWait = 2e6
	r.b.installIn(0, sa)
	slot := r.a.installOut(0, sa)
	r.a.point(0, OutRef{0, slot})
	for i := range uint32(20) { // seven slots' worth of packets, two slots' time
		r.hostA.send(numbered(addrA.host, addrB.host, 500, i))
	}
	r.step(1)
	r.a.point(0, NoSA)
	r.a.Submit(&Command{Op: RemoveOutbound, Slot: slot})
	for step := 0; ; step++ {
		r.step(999_999 / 4)
		if _, done := r.a.TakeAck(); done {
			break
		}
		if step > 100 {
			t.Fatal("never removed")
		}
	}
	delivered := uint64(len(r.hostB.receive()))
	if aged := r.a.workers[0].count.Verdicts[mbuf.AgedOut]; delivered == 0 || aged == 0 || delivered+aged != 20 {
		t.Errorf("%d delivered and %d aged out, expected some of each and 20 together", delivered, aged)
	}
}
