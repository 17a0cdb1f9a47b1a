package ike

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// spoofed is one of 16 million addresses that nobody answers at.
func spoofed(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 500)
}

// openLadder is a ladder whose b takes peers from anywhere.
func openLadder(t testing.TB, change func(b *Connection, limits *Limits)) *ladder {
	t.Helper()
	a, b := pskPair()
	b.Remote, b.Peer = nil, netip.Addr{}
	limits := DefaultLimits
	if change != nil {
		change(b, &limits)
	}
	return newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}, Limits: limits})
}

// initRequest is an IKE_SA_INIT request of a, which has then lost interest.
func (l *ladder) initRequest() []byte {
	l.t.Helper()
	old := l.fate
	l.fate = func(*flight) fate { return hold }
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		l.t.Fatal(err)
	}
	l.settle()
	l.fate = old
	request := l.held[0].d.Data
	l.held = nil
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		l.t.Fatal(err)
	}
	return request
}

// variant is the request with an SPI of its own.
func variant(request []byte, i int) []byte {
	b := slices.Clone(request)
	binary.BigEndian.PutUint64(b, uint64(i)+1)
	return b
}

// LIM-07: from so many half-open SAs on, requests without a cookie of ours leave nothing behind.
func TestLIM07_CookiesFromThirtyOn(t *testing.T) {
	l := openLadder(t, nil)
	request := l.initRequest()
	for i := range 100 {
		l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: spoofed(i), Data: variant(request, i)})
	}
	l.settle()
	if c := l.b.e.Counters(); c.HalfOpen != 30 || c.CookiesSent != 70 {
		t.Errorf("%d half-open SAs and %d cookies, want 30 and 70", c.HalfOpen, c.CookiesSent)
	}
	l.run(DefaultLimits.HalfOpenTime)
	if c := l.b.e.Counters(); c.HalfOpen != 0 || c.HalfOpenExpired != 30 {
		t.Errorf("%d half-open SAs and %d expired ones after their time, want 0 and 30", c.HalfOpen, c.HalfOpenExpired)
	}
	l.b.gone()
}

func TestLIM07_PerPeer(t *testing.T) {
	l := openLadder(t, func(_ *Connection, limits *Limits) { limits.CookiesAtPeer = 100 })
	request := l.initRequest()
	for i := range 20 {
		l.b.receive(l.a, variant(request, i))
	}
	l.settle()
	if c := l.b.e.Counters(); c.HalfOpen != 5 || c.InitsDropped != 15 {
		t.Errorf("%d half-open SAs and %d dropped requests of one address, want 5 and 15", c.HalfOpen, c.InitsDropped)
	}
}

func TestLIM07_CookiesPerPeer(t *testing.T) {
	l := openLadder(t, nil)
	request := l.initRequest()
	for i := range 20 {
		l.b.receive(l.a, variant(request, i))
	}
	l.settle()
	if c := l.b.e.Counters(); c.HalfOpen != 3 || c.CookiesSent != 17 {
		t.Errorf("%d half-open SAs and %d cookies for one address, want 3 and 17", c.HalfOpen, c.CookiesSent)
	}
}

// LIM-07: addresses of one /64 are one peer.
func TestLIM07_PrefixesOfIPv6(t *testing.T) {
	same := prefixOf(netip.MustParseAddr("2001:db8:1:2::3"))
	if got := prefixOf(netip.MustParseAddr("2001:db8:1:2:ffff::9")); got != same {
		t.Errorf("%v and %v count as two peers", got, same)
	}
	if got := prefixOf(netip.MustParseAddr("2001:db8:1:3::3")); got == same {
		t.Errorf("%v counts for another /64 too", got)
	}
	if got := prefixOf(netip.MustParseAddr("::ffff:192.0.2.1")); got != prefixOf(addrA) {
		t.Errorf("the mapped form of %v counts as %v", addrA, got)
	}
}

// HAZ-40, IKE-040: a flood of spoofed requests leaves the size of the engine as it is.
func TestHAZ40_FloodLeavesNothing(t *testing.T) {
	l := openLadder(t, nil)
	request := l.initRequest()
	flood := func(n int) uint64 {
		var fx Effects
		for i := range n {
			l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: spoofed(i), Data: variant(request, i)})
			fx = Effects{Datagrams: fx.Datagrams[:0], Events: fx.Events[:0], Jobs: fx.Jobs[:0]}
			l.b.e.Take(&fx)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := flood(1000)
	after := flood(100_000)
	if after > before+64<<10 {
		t.Errorf("the heap grew by %d octets over 100,000 spoofed requests", after-before)
	}
	if n := len(l.b.e.sas); n != DefaultLimits.CookiesAt {
		t.Errorf("%d SAs, want the %d that come before cookies", n, DefaultLimits.CookiesAt)
	}
}

// HAZ-40: nor do requests that fail for other reasons.
func TestHAZ40_RefusalsLeaveNothing(t *testing.T) {
	l := openLadder(t, nil)
	request := l.initRequest()
	m, err := wire.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	m.Payloads = replace(m.Payloads, wire.SA{Proposals: []wire.Proposal{{Number: 1, Protocol: wire.ProtoIKE, Transforms: []wire.Transform{{Type: wire.TransformENCR, ID: 3}}}}})
	bad := m.Append(nil)
	for i := range 1000 {
		l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: spoofed(i), Data: variant(bad, i)})
		l.b.e.Take(&Effects{})
	}
	if n := len(l.b.e.Failures()); n != DefaultLimits.Unprotected {
		t.Errorf("remembers %d failures of one second, want %d", n, DefaultLimits.Unprotected)
	}
	if c := l.b.e.Counters(); c.SAs != 0 || c.InitsRefused != 1000 {
		t.Errorf("%d SAs, %d refusals, want none and 1000", c.SAs, c.InitsRefused)
	}
}

// What is remembered of failures is bounded, whoever fails.
func TestFailuresAreBounded(t *testing.T) {
	l := openLadder(t, nil)
	for i := range 1000 {
		l.b.e.fail(1, Failure{Remote: spoofed(i)})
	}
	if n := len(l.b.e.Failures()); n != failuresKept {
		t.Errorf("remembers %d failures, want %d", n, failuresKept)
	}
}

// The failures of one peer do not push out those of others.
func TestFailuresPerPeer(t *testing.T) {
	l := openLadder(t, nil)
	l.b.e.fail(1, Failure{Remote: spoofed(1), Reason: "first"})
	for range 100 {
		l.b.e.fail(2, Failure{Remote: spoofed(2), Reason: "again"})
	}
	got := l.b.e.Failures()
	if len(got) != 1+failuresPerPeer || got[0].Reason != "first" {
		t.Errorf("remembers %d failures, want 1 and %d of the peer that keeps failing", len(got), failuresPerPeer)
	}
}

// A half-open SA that never gets its IKE_AUTH goes, and so does one whose key exchange never ends.
func TestHalfOpenEndsWithoutJob(t *testing.T) {
	l := openLadder(t, nil)
	l.b.holdJobs = true
	l.b.receive(l.a, l.initRequest())
	l.settle()
	l.run(time.Minute)
	l.b.gone()
	l.b.holdJobs = false
	l.settle() // the result comes when nobody waits for it any more
	l.b.gone()
}
