package ike

import (
	"net/netip"
	"testing"
	"time"

	"stillwater/crypto/suite"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// testPSK is the secret of most tests.
var testPSK = []byte("a secret of more than sixteen octets")

// identity parses an identity that the test has written.
func identity(s string) auth.Identity {
	id, err := auth.ParseIdentity(s)
	if err != nil {
		panic(err)
	}
	return id
}

// ikeProposals and espProposals parse what the test has written.
func ikeProposals(texts ...string) (ps []suite.IKEProposal) {
	for _, s := range texts {
		p, err := suite.ParseIKEProposal(s)
		if err != nil {
			panic(err)
		}
		ps = append(ps, p)
	}
	return ps
}

func espProposals(texts ...string) (ps []suite.ESPProposal) {
	for _, s := range texts {
		p, err := suite.ParseESPProposal(s)
		if err != nil {
			panic(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// network is the selector of a whole prefix.
func network(s string) wire.Selector {
	p := netip.MustParsePrefix(s)
	last := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(last); bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	end, _ := netip.AddrFromSlice(last)
	return wire.Selector{EndPort: 0xFFFF, First: p.Addr(), Last: end}
}

// pskConnection is one end of "net": a tunnel between 10.1.0.0/16 behind a and 10.2.0.0/16 behind b.
func pskConnection(own, peer string, local, remote netip.Addr, ownNet, peerNet string) *Connection {
	return &Connection{
		Name: "net", Local: local, Peer: remote, Remote: []netip.Prefix{netip.PrefixFrom(remote, remote.BitLen())},
		Self:      &auth.Local{ID: identity(own), Method: auth.PSK, PSK: testPSK},
		Them:      &auth.Peer{Name: "net", ID: auth.Exactly(identity(peer)), Method: auth.PSK, PSK: testPSK},
		Proposals: ikeProposals("aes128gcm16-prfsha256-x25519"),
		Children: []*Child{{
			Name: "one", Local: []wire.Selector{network(ownNet)}, Remote: []wire.Selector{network(peerNet)},
			Proposals: espProposals("aes128gcm16"),
		}},
		FragmentSize: 1280,
	}
}

// pskPair is the configuration of both ends.
func pskPair() (a, b *Connection) {
	a = pskConnection("a.test", "b.test", addrA, addrB, "10.1.0.0/16", "10.2.0.0/16")
	b = pskConnection("b.test", "a.test", addrB, addrA, "10.2.0.0/16", "10.1.0.0/16")
	return a, b
}

// pskLadder is two engines with a PSK connection; change may adapt both ends.
func pskLadder(t testing.TB, change func(a, b *Connection)) *ladder {
	t.Helper()
	a, b := pskPair()
	if change != nil {
		change(a, b)
	}
	return newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
}

// long is longer than any test waits.
const long = 24 * time.Hour
