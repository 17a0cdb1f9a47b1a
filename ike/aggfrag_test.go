package ike

import (
	"slices"
	"strings"
	"testing"

	"stillwater/ike/wire"
)

// mode is the mode and the peer's flag of the end's only bundle.
func (x *end) mode() (Mode, bool) {
	x.l.t.Helper()
	if len(x.plane.bundles) != 1 || len(x.plane.out) != 1 {
		x.l.t.Fatalf("%s has %d bundles and %d outbound SAs, want 1\n%s", x.name, len(x.plane.bundles), len(x.plane.out), x.l.tail(10))
	}
	for _, b := range x.plane.bundles {
		for _, p := range x.plane.out {
			return b.Mode, p.PeerDontFragment
		}
	}
	return 0, false
}

// TestAGG002_Negotiation: USE_AGGFRAG is asked for, agreed to or declined by the policies of both ends (RFC 9347 5.1).
func TestAGG002_Negotiation(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Child // Mode and IPTFS count
		up   bool
		mode Mode
	}{
		{"both prefer", Child{}, Child{}, true, ModeAggfrag},
		{"asked for, declined", Child{}, Child{Mode: ModeTunnel}, true, ModeTunnel},
		{"not asked for", Child{Mode: ModeTunnel}, Child{}, true, ModeTunnel},
		{"off", Child{IPTFS: IPTFSOff}, Child{}, true, ModeTunnel},
		{"the initiator requires it", Child{IPTFS: IPTFSRequire}, Child{Mode: ModeTunnel}, false, 0},
		{"the responder requires it", Child{Mode: ModeTunnel}, Child{IPTFS: IPTFSRequire}, false, 0},
		{"both require it", Child{IPTFS: IPTFSRequire}, Child{IPTFS: IPTFSRequire}, true, ModeAggfrag},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, func(a, b *Connection) {
				a.Children[0].Mode, a.Children[0].IPTFS = c.a.Mode, c.a.IPTFS
				b.Children[0].Mode, b.Children[0].IPTFS = c.b.Mode, c.b.IPTFS
			})
			l.a.e.Initiate(l.now, "net", "")
			l.settle()
			l.established() // IKE-101: whatever becomes of the Child SA
			if !c.up {
				l.run(long / 24)
				l.pairs(0)
				if f := append(l.a.e.Failures(), l.b.e.Failures()...); len(f) == 0 || f[0].Reason == "" {
					t.Error("nobody says why")
				}
				return
			}
			if asked := c.a.Mode == ModeAggfrag && c.a.IPTFS != IPTFSOff; l.a.saw(EventNote) != (asked && c.mode == ModeTunnel) {
				t.Errorf("an event says that USE_AGGFRAG was declined: %v", l.a.saw(EventNote))
			}
			for _, x := range []*end{l.a, l.b} {
				if m, _ := x.mode(); m != c.mode {
					t.Errorf("%s has mode %d, want %d", x.name, m, c.mode)
				}
			}
		})
	}
}

// AGG-004: what counts for sending is the peer's flag, not one's own.
func TestAGG004_DontFragment(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Children[0].DontFragment = true })
	l.connect("net")
	if _, obey := l.a.mode(); obey {
		t.Error("a obeys a flag that b has not set")
	}
	if _, obey := l.b.mode(); !obey {
		t.Error("b does not obey a's flag")
	}
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(long / 24)
	if _, obey := l.b.mode(); !obey {
		t.Error("b does not obey a's flag after a rekey")
	}
}

// requestWith is a request for a Child SA with that USE_AGGFRAG.
func requestWith(l *ladder, data []byte, more ...wire.Payload) []wire.Payload {
	ps := askCreateChild(l)
	ps[0] = wire.Notify{Notify: wire.UseAggfrag, Data: data}
	return append(more, ps...)
}

// TestAGG005_Flags: an empty notification means no flags, further octets are ignored, a flag that this end does not do
// rules AGGFRAG out, and so does transport mode; never does it cost more than that.
func TestAGG005_Flags(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  []byte
		more  []wire.Payload
		agree bool
	}{
		{"none", []byte{0}, nil, true},
		{"D", []byte{1}, nil, true},
		{"empty", nil, nil, true},
		{"two octets", []byte{1, 0xFF}, nil, true},
		{"C", []byte{2}, nil, false},
		{"reserved", []byte{0x80}, nil, false},
		{"AGG-003 transport mode", []byte{0}, []wire.Payload{wire.Notify{Notify: wire.UseTransportMode}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			m := l.ask(l.a.sa(), create, requestWith(l, c.data, c.more...)...)
			if m == nil || m.sa() == nil {
				t.Fatalf("no Child SA\n%s", l.tail(5))
			}
			n := m.notify(wire.UseAggfrag)
			if (n != nil) != c.agree || m.notify(wire.UseTransportMode) != nil {
				t.Errorf("answered with %s, want USE_AGGFRAG %v", names(m.inner), c.agree)
			}
			if n != nil && len(n.Data) != 1 {
				t.Errorf("USE_AGGFRAG of %d octets, want 1", len(n.Data))
			}
		})
	}
}

// AGG-001: this end's notification has one octet.
func TestAGG001_OneOctet(t *testing.T) {
	for _, dont := range []bool{false, true} {
		n := aggfragNotify(&Child{DontFragment: dont})
		want := []byte{0}
		if dont {
			want[0] = 1
		}
		if !slices.Equal(n.Data, want) || len(n.SPI) != 0 || n.Protocol != 0 || n.Notify != 16442 {
			t.Errorf("%+v", n)
		}
	}
}

// AGG-003: a rekey of an AGGFRAG SA without USE_AGGFRAG would change it under the traffic.
func TestAGG003_RekeyKeepsMode(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	ps := askRekeyChild(l)
	l.refusedWith(l.ask(l.a.sa(), create, slices.Delete(ps, 1, 2)...), wire.NoProposalChosen)
	if f := l.b.failure(); !strings.Contains(f.Reason, "USE_AGGFRAG") {
		t.Errorf("failure %+v", f)
	}
	l.pairs(1)
}
