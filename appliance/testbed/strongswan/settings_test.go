package strongswan

import (
	"crypto/elliptic"
	"testing"
)

// peerSettings are options of strongSwan 5.9.8 that change what is on the wire.
var peerSettings = []struct {
	name string
	peer []string
	ours settings
	log  string // what its log then says
}{
	{"no MOBIKE", []string{"-x", "mobike = no"}, settings{}, ``},
	{"childless", []string{"-x", "childless = force"}, settings{}, `CREATE_CHILD_SA request \d+ \[.* SA No `},
	{"childless on both sides", []string{"-x", "childless = force"}, settings{connection: `childless = "force"`}, `CREATE_CHILD_SA request \d+ \[.* SA No `},
	{"no fragmentation", []string{"-x", "fragmentation = no"}, settings{}, ``},
	{"forced fragmentation", []string{"-x", "fragmentation = force"}, settings{}, ``},
	{"IP compression", []string{"-y", "ipcomp = yes"}, settings{}, ``},
	{"several proposals", []string{"-p", "aes256-sha512-modp4096,aes128gcm16-prfsha256-x25519", "-e", "aes256ccm16,aes128gcm16-ecp256,aes128gcm16"}, settings{}, ``},
	{"narrower selectors", []string{"-R", hostInner4 + "/32"}, settings{}, `=== ` + hostInner4 + `/32`},
	{"wider selectors", []string{"-R", "10.0.0.0/9", "-L", "10.128.0.0/9,10.2.0.0/16"}, settings{}, `=== ` + `10\.1\.0\.0/16`},
	{"few SPIs", []string{"-g", "spi_min = 0x00000100", "-g", "spi_max = 0x00000fff"}, settings{}, ``},
	{"slow retransmission", []string{"-g", "retransmit_base = 1", "-g", "half_open_timeout = 5"}, settings{}, ``},
}

// What an operator of the peer may change without telling us. Each side begins every other time.
func TestPeerSettings(t *testing.T) {
	for i, s := range peerSettings {
		who := bothBegin[i%2]
		t.Run(s.name+", "+string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := pskCharon(n, s.peer...)
			g := startGateway(n, s.ours)
			up(t, g, p, who)
			newTraffic(n, p, false, smallPackets).both()
			if s.log != "" {
				awaitLog(t, p, s.log)
			}
			down(t, g, p, who)
		})
	}
}

// Identities of every type, with a secret and, those that certificates carry, with a certificate.
func TestIdentities(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs string
		signed       bool
	}{
		{"addresses", ours4, peers4, false},
		{"e-mail addresses", "a@interop.test", "b@interop.test", false},
		{"key IDs", "@#6b657961", "@#6b657962", false},
		{"names in certificates", ourID, peerID, true},
		{"subjects of certificates", "O=Stillwater interop, CN=" + ourID, "O=Stillwater interop, CN=" + peerID, true},
	} {
		for _, who := range bothBegin {
			t.Run(c.name+", "+string(who), func(t *testing.T) {
				n, s := newNetwork(t, nobody, plainMTU), settings{ids: [2]string{c.ours, c.theirs}}
				var p *charon
				if c.signed {
					pki := newPKI(t, ecdsaKey(elliptic.P256()), 0)
					p, s.auth = certCharon(n, pki, "-i", quoted(c.theirs), "-j", quoted(c.ours)), pki.ours()
				} else {
					p = pskCharon(n, "-i", quoted(c.theirs), "-j", quoted(c.ours))
				}
				g := startGateway(n, s)
				up(t, g, p, who)
				newTraffic(n, p, false, smallPackets).both()
			})
		}
	}
}

// quoted is a value of swanctl.conf that may have any character.
func quoted(s string) string { return `"` + s + `"` }
