package wire_test

import (
	"testing"

	"stillwater/ike/wire"
)

// TestIKE047_NonceSizes: 16 to 256 octets (LIM-06).
func TestIKE047_NonceSizes(t *testing.T) {
	for n := range 300 {
		if n < 16 || n > 256 {
			refusedBody(t, wire.PayloadNonce, make([]byte, n))
			continue
		}
		if nonce := mustParse[wire.Nonce](t, wire.PayloadNonce, make([]byte, n)); len(nonce.Data) != n {
			t.Errorf("%d octets read as %d", n, len(nonce.Data))
		}
	}
}

// TestHAZ030_Identities: any length, unless the type fixes it; up to what a payload holds.
func TestHAZ030_Identities(t *testing.T) {
	fixed := map[byte]int{1: 4, 5: 16, 13: 0}
	for kind := range 256 {
		for _, n := range []int{0, 1, 3, 4, 5, 15, 16, 17, 255, 65527} {
			body := append([]byte{byte(kind), 0, 0, 0}, make([]byte, n)...)
			if want, ok := fixed[byte(kind)]; ok && n != want {
				refusedBody(t, wire.PayloadIDi, body)
				continue
			}
			if id := mustParse[wire.ID](t, wire.PayloadIDi, body); len(id.Data) != n || id.IDType != wire.IDType(kind) {
				t.Errorf("type %d of %d octets: %v, %d", kind, n, id.IDType, len(id.Data))
			}
		}
	}
}

// TestHAZ005_LongKeys: a public value may have any length here, up to what a payload holds, for any method (HAZ-04).
func TestHAZ005_LongKeys(t *testing.T) {
	for method := 0; method < 65536; method += 257 {
		body := append([]byte{byte(method >> 8), byte(method), 0, 0}, make([]byte, 65527)...)
		if ke := mustParse[wire.KE](t, wire.PayloadKE, body); len(ke.Data) != 65527 || ke.Method != uint16(method) {
			t.Errorf("method %d: %d octets", method, len(ke.Data))
		}
	}
}

// TestCertReqAuthorities: whole ones of 20 octets where the encoding lists them, anything where it does not.
func TestCertReqAuthorities(t *testing.T) {
	for n := range 64 {
		for _, encoding := range []byte{4, 12, 13} {
			body := append([]byte{encoding}, make([]byte, n)...)
			if n%20 != 0 {
				refusedBody(t, wire.PayloadCertReq, body)
				continue
			}
			if r := mustParse[wire.CertReq](t, wire.PayloadCertReq, body); len(r.CAs) != n/20 || r.Data != nil {
				t.Errorf("%d octets: %+v", n, r)
			}
		}
		for _, encoding := range []byte{0, 1, 14, 15, 255} {
			r := mustParse[wire.CertReq](t, wire.PayloadCertReq, append([]byte{encoding}, make([]byte, n)...))
			if len(r.Data) != n || r.CAs != nil {
				t.Errorf("encoding %d, %d octets: %+v", encoding, n, r)
			}
		}
	}
}

// TestIKE115_EAPLengths: the message is as long as its payload, has a type in requests and responses, and none in Success
// and Failure.
func TestIKE115_EAPLengths(t *testing.T) {
	for code := range 256 {
		for n := range 12 {
			body := make([]byte, n)
			for _, length := range []int{0, 3, n - 1, n, n + 1} {
				if n >= 4 {
					copy(body, []byte{byte(code), 1, byte(length >> 8), byte(length)})
				}
				ok := n >= 4 && length == n
				if code == 1 || code == 2 {
					ok = ok && n >= 5
				} else if code == 3 || code == 4 {
					ok = ok && n == 4
				}
				if !ok {
					refusedBody(t, wire.PayloadEAP, body)
					continue
				}
				mustParse[wire.EAP](t, wire.PayloadEAP, body)
			}
		}
	}
}

// TestDOS002_PuzzleKeys: four of equal size, and not empty.
func TestDOS002_PuzzleKeys(t *testing.T) {
	for n := range 70 {
		if n == 0 || n%4 != 0 {
			refusedBody(t, wire.PayloadPS, make([]byte, n))
			continue
		}
		ps := mustParse[wire.PS](t, wire.PayloadPS, make([]byte, n))
		for _, k := range ps.Keys {
			if len(k) != n/4 {
				t.Errorf("%d octets: a key of %d", n, len(k))
			}
		}
	}
}
