package auth

import (
	"crypto/x509"
	"testing"
)

// BenchmarkVerifyAuth is the whole of an authentication: parsing, path, binding, revocation, signature.
func BenchmarkVerifyAuth(b *testing.B) {
	middle := rootCA().newCA("Middle", nil)
	for name, list := range map[string][]*authority{
		"ecdsa-p256/root":         {rootCA().newEnd(host, nil)},
		"ecdsa-p256/intermediate": {middle.newEnd(host, nil), middle},
		"rsa-2048/root":           {issue(rootCA(), keyRSA(), endTemplate(host), nil)},
	} {
		local := &Local{ID: ident(host), Method: Pubkey, Credential: credential(list...)}
		lists := []*x509.RevocationList{rootCA().crl(nil)}
		peer := &Peer{ID: pattern(host), Method: Pubkey, Trust: must(NewTrust([]*x509.Certificate{rootCA().cert}, lists, CRLIfPresent))}
		c := Claim{Exchange: digital(), ID: local.Wire(true), Certs: local.Certs(), Octets: octets, Now: now}
		c.Auth = must(local.Auth(digital(), octets))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := VerifyAuth(peer, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	local, peer := pskPair()
	c := Claim{Exchange: plain(), ID: local.Wire(true), Auth: must(local.Auth(plain(), octets)), Octets: octets, Now: now}
	b.Run("psk", func(b *testing.B) {
		for b.Loop() {
			if _, err := VerifyAuth(peer, c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
