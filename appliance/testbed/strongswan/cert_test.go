package strongswan

import (
	"crypto/elliptic"
	"testing"

	"stillwater/appliance/testbed/umlpeer"
)

// certCharon is strongSwan 5.9.8 with a certificate.
func certCharon(n *network, p *pki, args ...string) *charon {
	return startCharon(n, p.theirs(), append([]string{"-l", n.theirs(), "-r", n.seen(us), "-c", peerID, "-j", ourID}, args...)...)
}

// Certificates of both families, both roles.
func TestCertificates(t *testing.T) {
	for _, kind := range []keyKind{ecdsaKey(elliptic.P256()), ecdsaKey(elliptic.P384()), rsaKey(2048)} {
		for _, who := range bothBegin {
			t.Run(kind.name+", "+string(who), func(t *testing.T) {
				n, pki := newNetwork(t, nobody, plainMTU), newPKI(t, kind, 0)
				p := certCharon(n, pki)
				g := startGateway(n, settings{auth: pki.ours()})
				up(t, g, p, who)
				newTraffic(n, p, false, smallPackets).both()
				down(t, g, p, who)
			})
		}
	}
}

// A peer that does not know the signatures of RFC 7427 and authenticates by those of RFC 4754.
func TestOldSignatures(t *testing.T) {
	for _, kind := range []keyKind{ecdsaKey(elliptic.P256()), ecdsaKey(elliptic.P384())} {
		for _, who := range bothBegin {
			t.Run(kind.name+", "+string(who), func(t *testing.T) {
				n, pki := newNetwork(t, nobody, plainMTU), newPKI(t, kind, 0)
				p := certCharon(n, pki, "-g", "signature_authentication = no")
				g := startGateway(n, settings{auth: pki.ours()})
				up(t, g, p, who)
				awaitLog(t, p, `authentication of 'a.test' with ECDSA-\d+ signature successful`)
				newTraffic(n, p, false, smallPackets).both()
			})
		}
	}
}

// A chain of certificates that fills several datagrams: both IKE_AUTH messages travel in fragments (RFC 7383), which are as
// small as configured.
func TestFragmentation(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n, pki := newNetwork(t, nobody, plainMTU), newPKI(t, rsaKey(2048), 2)
			p := certCharon(n, pki, "-g", "fragment_size = 700")
			g := startGateway(n, settings{auth: pki.ours(), connection: "fragment_size = 600"})
			up(t, g, p, who)
			newTraffic(n, p, false, smallPackets).both()
			message, answer := "request", "response"
			if who == theyBegin {
				message, answer = answer, message
			}
			awaitLog(t, p, `parsed IKE_AUTH `+message+` 1 \[ EF\(\d+/([4-9]|1\d)\) \]`, `generating IKE_AUTH `+answer+` 1 \[ EF\(\d+/([4-9]|1\d)\) \]`,
				`received issuer cert "O=Stillwater interop, CN=Interop authority 1 of `+ourID)
			down(t, g, p, who)
		})
	}
}

// Certificates with strongSwan 6.1 and IP-TFS.
func TestIPTFSCertificates(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n, pki := newNetwork(t, nobody, insideMTU), newPKI(t, ecdsaKey(elliptic.P256()), 1)
			p := startDaemon(n, umlpeer.StrongSwan, "-c", peerID, "-C", pki.theirs())
			g := startGateway(n, settings{auth: pki.ours(), connection: `iptfs = "require"`})
			up(t, g, p, who)
			newTraffic(n, p, false, allPackets).both()
			down(t, g, p, who)
		})
	}
}
