package ike

import (
	"math"
	"strings"
	"time"
)

// connect initiates from a, and fails the test unless both ends have an established IKE SA and Child SAs that match.
func (l *ladder) connect(connection string) {
	l.t.Helper()
	if err := l.a.e.Initiate(l.now, connection, ""); err != nil {
		l.t.Fatalf("initiate: %v", err)
	}
	l.settle()
	l.established()
}

// established fails the test unless each end has exactly one IKE SA, the same one, established.
func (l *ladder) established() {
	l.t.Helper()
	sa, sb := l.a.e.Snapshot(), l.b.e.Snapshot()
	if len(sa) != 1 || len(sb) != 1 || sa[0].State != "established" || sb[0].State != "established" {
		l.t.Fatalf("a has %v and b has %v, want one established IKE SA each\n%s", states(sa), states(sb), l.tail(40))
	}
	if sa[0].SPIi != sb[0].SPIi || sa[0].SPIr != sb[0].SPIr {
		l.t.Fatalf("SPIs of a %x %x, of b %x %x", sa[0].SPIi, sa[0].SPIr, sb[0].SPIi, sb[0].SPIr)
	}
	l.sameKeys()
}

func states(list []SAStatus) (out []string) {
	for _, s := range list {
		out = append(out, s.State)
	}
	return out
}

// sameKeys fails the test unless every SA that one end seals with is one that the other opens, with the same key.
func (l *ladder) sameKeys() {
	l.t.Helper()
	for _, x := range []*end{l.a, l.b} {
		for _, out := range x.plane.out {
			in := x.other().plane.in[out.SPIOut]
			switch {
			case in == nil:
				l.t.Errorf("%s sends on SPI %08x, which %s does not receive on", x.name, out.SPIOut, x.other().name)
			case string(in.KeymatIn) != string(out.KeymatOut) || in.Suite != out.Suite || in.ESN != out.ESN:
				l.t.Errorf("%s and %s disagree about SPI %08x: %v and %v", x.name, x.other().name, out.SPIOut, out.Suite, in.Suite)
			}
		}
	}
}

// pairs fails the test unless both ends have n complete pairs.
func (l *ladder) pairs(n int) {
	l.t.Helper()
	for _, x := range []*end{l.a, l.b} {
		if len(x.plane.in) != n || len(x.plane.out) != n {
			l.t.Fatalf("%s has %d inbound and %d outbound SAs, want %d\n%s", x.name, len(x.plane.in), len(x.plane.out), n, l.tail(40))
		}
	}
	l.sameKeys()
}

// gone fails the test unless the end has nothing left: no SA, no pair, no bundle, no SPI in use, no timer.
func (x *end) gone() {
	x.l.t.Helper()
	if n := len(x.e.Snapshot()); n != 0 || !x.e.Idle() {
		x.l.t.Errorf("%s has %d IKE SAs left", x.name, n)
	}
	if p := x.plane; len(p.in)+len(p.out)+len(p.bundles) != 0 {
		x.l.t.Errorf("%s has %d inbound, %d outbound SAs and %d bundles left", x.name, len(p.in), len(p.out), len(p.bundles))
	}
	if d := x.e.Deadline(); d != math.MaxInt64 {
		x.l.t.Errorf("%s has a deadline %v ahead", x.name, time.Duration(d-x.l.now))
	}
	if len(x.e.children)+len(x.e.bundles)+len(x.e.inits) != 0 || x.e.halves.all != 0 || len(x.e.halves.byPrefix) != 0 {
		x.l.t.Errorf("%s: %d children, %d bundles, %d half-open SAs in its tables", x.name, len(x.e.children), len(x.e.bundles), x.e.halves.all)
	}
}

// expect fails the test unless the log since mark is exactly these lines. A line is an arrow and words that the logged line
// begins with: "a -> b  IKE_AUTH request 1".
func (l *ladder) expect(mark int, lines ...string) {
	l.t.Helper()
	got := l.log[mark:]
	ok := len(got) == len(lines)
	for i := 0; ok && i < len(lines); i++ {
		ok = strings.HasPrefix(got[i], lines[i])
	}
	if !ok {
		l.t.Errorf("the ladder is\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}
