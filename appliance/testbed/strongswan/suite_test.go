package strongswan

import "testing"

// suites are pairs of proposals, in the peer's words and ours, and what the peer's list says of them.
var suites = []struct{ ike, esp, listed string }{
	{"aes128gcm16-prfsha256-ecp256", "aes128gcm16-ecp256", `AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256`},
	{"aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384", `AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384`},
	{"aes256gcm16-prfsha512-ecp521", "aes256gcm16-ecp521", `AES_GCM_16-256/PRF_HMAC_SHA2_512/ECP_521`},
	{"aes128-sha256-modp2048", "aes128-sha256-modp2048", `AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048`},
	{"aes256-sha512-modp3072", "aes256-sha512-modp3072", `AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_3072`},
	{"aes256-sha384-prfsha512-x25519", "chacha20poly1305-x25519", `AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_512/CURVE_25519`},
}

// Every kind of algorithm, in the IKE SA, in the Child SA, and in rekeys of both with a key exchange of their own.
func TestSuites(t *testing.T) {
	for i, s := range suites {
		t.Run(s.ike+", "+s.esp, func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := pskCharon(n, "-p", s.ike, "-e", s.esp)
			g := startGateway(n, settings{proposals: `["` + s.ike + `"]`, child: `esp_proposals = ["` + s.esp + `"]`})
			up(t, g, p, bothBegin[i%2])
			awaitSAs(t, p, s.listed)
			tr := newTraffic(n, p, false, smallPackets)
			tr.both()
			for _, r := range rekeys[1:3] {
				before := g.awaitUp(1)
				tr.during(0, func() { r.perform(g, p, before) })
			}
			awaitSAs(t, p, s.listed)
			tr.both()
		})
	}
}

// Nothing is configured but the peer and the secret on our side: the defaults fit those of strongSwan.
func TestDefaults(t *testing.T) {
	for _, proposals := range []string{"default", "aes128gcm16-prfsha256-x25519", "aes128-sha256-modp2048"} {
		for _, who := range bothBegin {
			t.Run(proposals+", "+string(who), func(t *testing.T) {
				n := newNetwork(t, nobody, plainMTU)
				p := pskCharon(n, "-p", proposals, "-e", "default")
				g := startGateway(n, settings{proposals: ours})
				up(t, g, p, who)
				newTraffic(n, p, false, smallPackets).both()
			})
		}
	}
}

// Our first key exchange method is none of the peer's: it names one, and we try again with that.
func TestOtherKeyExchange(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n, "-p", "aes128gcm16-prfsha256-ecp384")
	g := startGateway(n, settings{proposals: `["aes128gcm16-prfsha256-x25519-ecp256-ecp384"]`})
	up(t, g, p, weBegin)
	awaitLog(t, p, `DH group CURVE_25519 unacceptable, requesting ECP_384`)
	newTraffic(n, p, false, smallPackets).both()
}
