package auth

import (
	"net/netip"
	"testing"

	scheme "stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// TestSPD080_MayClaim: which ranges of addresses an authenticated peer may speak for (RFC 4301 4.4.3.4).
func TestSPD080_MayClaim(t *testing.T) {
	prefixes := func(list ...string) []netip.Prefix {
		all := []netip.Prefix{}
		for _, s := range list {
			all = append(all, netip.MustParsePrefix(s))
		}
		return all
	}
	two := prefixes("10.1.0.0/24", "10.1.1.0/24", "10.1.1.128/25", "10.9.0.0/16", "2001:db8::/32")
	for _, c := range []struct {
		allowed     []netip.Prefix
		first, last string
		want        bool
	}{
		{nil, "0.0.0.0", "255.255.255.255", true},
		{prefixes(), "10.1.0.0", "10.1.0.0", false},
		{two, "10.1.0.0", "10.1.0.255", true},
		{two, "10.1.0.7", "10.1.0.7", true},
		{two, "10.1.0.0", "10.1.1.255", true}, // two prefixes side by side
		{two, "10.1.0.0", "10.1.2.0", false},
		{two, "10.1.0.0", "10.9.0.0", false}, // a hole between
		{two, "10.0.255.255", "10.1.0.1", false},
		{two, "10.1.0.2", "10.1.0.1", false},
		{two, "0.0.0.0", "255.255.255.255", false},
		{two, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{two, "2001:db8::", "2001:db9::", false},
		{two, "10.1.0.0", "2001:db8::", false},
		{two, "::ffff:10.1.0.1", "::ffff:10.1.0.2", false},
		{prefixes("0.0.0.0/0"), "0.0.0.0", "255.255.255.255", true},
		{prefixes("0.0.0.0/0"), "::", "::", false},
		{prefixes("::/0"), "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
	} {
		p := &Peer{Addresses: c.allowed}
		if got := p.MayClaim(netip.MustParseAddr(c.first), netip.MustParseAddr(c.last)); got != c.want {
			t.Errorf("%s to %s of %v: %t", c.first, c.last, c.allowed, got)
		}
	}
	if (&Peer{Addresses: two}).MayClaim(netip.Addr{}, netip.Addr{}) {
		t.Error("no address at all may be claimed")
	}
}

// TestSPD080_CheckedAtLoad: entries that nobody or too many could satisfy.
func TestSPD080_CheckedAtLoad(t *testing.T) {
	_, psk := pskPair()
	_, cert := certPair()
	for name, change := range map[string]func(*Peer){
		"nobody":              func(p *Peer) { p.ID = Pattern{} },
		"no secret":           func(p *Peer) { p.PSK = nil },
		"a secret for anyone": func(p *Peer) { p.ID = pattern("%any") },
		"no authority":        func(p *Peer) { p.Method = Pubkey },
		"no method":           func(p *Peer) { p.Method = 0 },
	} {
		p := *psk
		change(&p)
		expect(t, name, p.Check(), StageConfig)
	}
	anyone := *cert
	anyone.ID = pattern("%any")
	group := *psk
	group.ID = pattern("*.example.org")
	keyed := *cert
	keyed.ID = pattern("keyid:7")
	expect(t, "key ID with certificates", keyed.Check(), StageConfig)
	for _, p := range []*Peer{psk, cert, &anyone, &group} {
		if err := p.Check(); err != nil {
			t.Errorf("%v: %v", p.ID, err)
		}
	}
}

// TestAUA001_OurAnnouncement: what an entry takes, for SUPPORTED_AUTH_METHODS.
func TestAUA001_OurAnnouncement(t *testing.T) {
	_, psk := pskPair()
	_, cert := certPair()
	if list := psk.Announce(); len(list) != 1 || list[0].Method != wire.AuthPSK {
		t.Errorf("secret: %v", list)
	}
	list := cert.Announce()
	if len(list) != len(scheme.Schemes()) {
		t.Errorf("certificates: %d entries", len(list))
	}
	for _, a := range list {
		if _, known := scheme.Lookup(a.Algorithm); !known || a.Method != wire.AuthSignature {
			t.Errorf("%v", a)
		}
	}
}

// TestMethodNames: errors name a method as the configuration does, and the zero value as no method.
func TestMethodNames(t *testing.T) {
	for m, want := range map[Method]string{PSK: "psk", Pubkey: "pubkey", 0: "none"} {
		if got := m.String(); got != want {
			t.Errorf("method %d: %q, want %q", m, got, want)
		}
	}
}
