package aead

import (
	"bytes"
	"crypto/hmac"
	"slices"
	"testing"

	"stillwater/crypto/kat"
	"stillwater/crypto/suite"
)

// twins are the implicit-IV algorithms, which compute what their originals compute (RFC 8750 3).
var twins = map[suite.Alg]suite.Alg{
	suite.AES128GCM16:      suite.AES128GCM16IIV,
	suite.AES192GCM16:      suite.AES192GCM16IIV,
	suite.AES256GCM16:      suite.AES256GCM16IIV,
	suite.ChaCha20Poly1305: suite.ChaCha20Poly1305IIV,
}

// TestKnownAnswers runs every published vector that a descriptor can express through every back-end: a valid one must seal
// to its tag and open again, an invalid one must not open. It proves ESP-031 and ESP-037 (salt and IV are the nonce:
// RFC 7634 A), ESP-032 (AAD of 8 and 12 octets: draft-mcgrew-gcm-test-01), ESP-036 (GMAC over SPI, sequence number, IV
// and payload) and, by HMAC over a message cut in three, ESP-03A.
func TestKnownAnswers(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		ran := map[suite.Alg]int{}
		for _, a := range append(answers(kat.AEAD()), append(answers(kat.GMAC()), answers(kat.HMAC())...)...) {
			e := build(1)
			if !has(t, e, a.esp) {
				continue
			}
			setKey(t, e, 0, a.esp.Alg, a.key)
			if !a.run(t, e) {
				t.Errorf("%v %s, AAD of %d: failed", a.esp, a.id, len(a.aad))
			}
			ran[a.esp.Alg]++
		}
		for alg, n := range ran {
			t.Logf("%v: %d answers", alg, n)
		}
		if e := build(1); e.Name() == "std" && len(ran) != 4+4+3+3 {
			t.Errorf("%d algorithms met a vector, want every one of a single primitive: 14", len(ran))
		}
	})
}

// answer is a vector in the form of a packet.
type answer struct {
	packet
	id     string
	sealed []byte // with the ICV
	valid  bool
}

// answers are the vectors whose algorithm ESP has and whose AAD a descriptor can hold, in every way to cut them into AAD
// and text.
func answers(vs []kat.Vector) (as []answer) {
	for _, v := range vs {
		alg, ok := v.Alg()
		if !ok {
			continue
		}
		s, _ := suite.Lookup(alg)
		for _, p := range cuts(v, s) {
			a := answer{p, v.ID, slices.Concat(p.text, v.Tag), v.Valid}
			if v.Sealed != nil {
				copy(a.sealed, v.Sealed)
			}
			as = append(as, a)
			if twin, ok := suite.Lookup(twins[alg]); ok {
				a.esp = twin
				as = append(as, a)
			}
		}
	}
	return as
}

// cuts are the packets that make the vector's message, by the layouts in Desc's comment.
func cuts(v kat.Vector, s suite.ESP) (ps []packet) {
	add := func(aad, text []byte) {
		ps = append(ps, packet{s, v.Key, v.Nonce, slices.Clone(aad), slices.Clone(text)})
	}
	if s.Encr.Kind == suite.KindAEAD {
		if len(v.AAD) <= MaxAAD {
			add(v.AAD, v.Text)
		}
		return ps
	}
	m := slices.Concat(v.AAD, v.Text)
	for _, n := range []int{0, 8, 12} {
		switch {
		case len(m) < n || n == 0 && s.Encr.Kind != suite.KindGMAC:
		case s.Encr.Kind == suite.KindGMAC || n == 8:
			add(m[:n], m[n:])
		default: // HMAC covers the high half of the sequence number last
			end := len(m) - 4
			add(slices.Concat(m[:8], m[end:]), m[8:end])
		}
	}
	return ps
}

// run reports whether the back-end gives this answer.
func (a answer) run(t *testing.T, e Engine) bool {
	if a.valid {
		b := a.buffer()
		ds := []Desc{a.desc(0, b)}
		e.Seal(ds)
		b.check(t)
		if ds[0].Status != OK || !bytes.Equal(b.sealed(), a.sealed) {
			return false
		}
	}
	b := a.buffer()
	copy(b.sealed(), a.sealed)
	ds := []Desc{a.desc(0, b)}
	failed := e.Open(ds)
	b.check(t)
	if !a.valid {
		return failed == 1 && ds[0].Status == AuthFailed
	}
	return failed == 0 && ds[0].Status == OK && bytes.Equal(b.sealed()[:len(a.text)], a.text)
}

// TestKnownAnswersCBC: RFC 3602's cipher texts, under each integrity algorithm, whose ICV is taken from the library.
func TestKnownAnswersCBC(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		if s.Encr.Kind != suite.KindCBC || s.Encr.KeyBits != 128 { // RFC 3602 has vectors for 128 bits only
			return
		}
		for _, v := range kat.CBC() {
			integKey := bytes.Repeat([]byte{0x5a}, s.Integ.KeyLen)
			aad := []byte{0, 0, 0x43, 0x21, 0, 0, 0, 1}
			a := answer{packet{s, slices.Concat(v.Key, integKey), nil, aad, slices.Concat(v.Nonce, v.Text)}, v.ID, nil, true}
			mac := hmac.New(digests[s.Integ.ID], integKey)
			mac.Write(slices.Concat(aad, v.Nonce, v.Sealed))
			a.sealed = slices.Concat(v.Nonce, v.Sealed, mac.Sum(nil)[:s.ICVLen()])
			setKey(t, e, 0, s.Alg, a.key)
			if !a.run(t, e) {
				t.Errorf("%s: failed", v.ID)
			}
		}
	})
}
