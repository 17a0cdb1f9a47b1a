package aead

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"

	"stillwater/crypto/suite"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests, 0 picks one")

// random is the source of a random test; the log of a failing test has its seed.
func random(t testing.TB) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", n)
	return rand.New(rand.NewPCG(n, n))
}

func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// backends are the constructors that every test of this package runs.
var backends = []struct {
	name  string
	build func(slots int) Engine
}{
	{"std", func(slots int) Engine { return NewStd(slots) }},
}

// eachBackend runs a test for every back-end.
func eachBackend(t *testing.T, test func(t *testing.T, build func(slots int) Engine)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, b.build) })
	}
}

// eachAlg runs a test for every back-end and every algorithm that it has.
func eachAlg(t *testing.T, test func(t *testing.T, e Engine, s suite.ESP)) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		for _, s := range suite.All() {
			if e := build(4); has(t, e, s) {
				t.Run(s.String(), func(t *testing.T) { test(t, e, s) })
			}
		}
	})
}

// has reports whether the back-end has the algorithm. std must have them all.
func has(t *testing.T, e Engine, s suite.ESP) bool {
	t.Helper()
	err := e.SetKey(0, s.Alg, make([]byte, s.KeyLen()))
	if err != nil && (e.Name() == "std" || !errors.Is(err, ErrAlg)) {
		t.Fatalf("%s: set a key for %v: %v", e.Name(), s, err)
	}
	e.ClearKey(0)
	return err == nil
}

func setKey(t testing.TB, e Engine, slot uint32, a suite.Alg, key []byte) {
	t.Helper()
	if err := e.SetKey(slot, a, key); err != nil {
		t.Fatalf("set slot %d: %v", slot, err)
	}
}

// packet is what one descriptor is made from.
type packet struct {
	esp   suite.ESP
	key   []byte
	nonce []byte
	aad   []byte
	text  []byte
}

// randomPacket has up to limit octets of text, as many as the algorithm can have.
func randomPacket(r *rand.Rand, s suite.ESP, limit int) packet {
	n := r.IntN(limit + 1)
	if s.Encr.Kind == suite.KindCBC {
		n = s.IVLen() + n/aes.BlockSize*aes.BlockSize
	}
	return packet{s, octets(r, s.KeyLen()), octets(r, nonceLen), octets(r, 8+4*r.IntN(2)), octets(r, n)}
}

// guard stands before and behind every buffer; a back-end that writes there is caught by check.
const guard, guardOctet = 32, 0xa5

// buffer is the memory of one descriptor: guard, text and ICV, guard.
type buffer struct {
	octets []byte
	text   int
}

func (p packet) buffer() buffer {
	b := slices.Concat(slices.Repeat([]byte{guardOctet}, guard), p.text, make([]byte, p.esp.ICVLen()),
		slices.Repeat([]byte{guardOctet}, guard))
	return buffer{b, len(p.text)}
}

func (b buffer) sealed() []byte { return b.octets[guard : len(b.octets)-guard] }

func (b buffer) check(t *testing.T) {
	t.Helper()
	for i := range guard {
		if b.octets[i] != guardOctet || b.octets[len(b.octets)-1-i] != guardOctet {
			t.Fatalf("memory %d octets beside a text of %d was written", guard-i, b.text)
		}
	}
}

// desc names the memory of b, which it does not keep alive: it is the caller that does.
func (p packet) desc(slot uint32, b buffer) Desc {
	d := Desc{
		Addr: uintptr(unsafe.Pointer(&b.octets[guard])), Len: uint32(b.text), Slot: slot,
		AADLen: uint8(len(p.aad)), Status: AuthFailed,
	}
	copy(d.Nonce[:], p.nonce)
	copy(d.AAD[:], p.aad)
	return d
}

// reference is what Seal must make of the packet, text and ICV, written down with the library alone and one packet at a
// time, after the layout in Desc's comment.
func (p packet) reference(t testing.TB) []byte {
	t.Helper()
	switch p.esp.Encr.Kind {
	case suite.KindAEAD:
		return p.aead(t).Seal(nil, p.nonce, p.text, p.aad)
	case suite.KindGMAC:
		return slices.Concat(p.text, p.aead(t).Seal(nil, p.nonce, nil, slices.Concat(p.aad, p.text)))
	}
	out, iv := slices.Clone(p.text), p.esp.IVLen()
	if iv > 0 {
		cipher.NewCBCEncrypter(p.block(t), out[:iv]).CryptBlocks(out[iv:], out[iv:])
	}
	mac := hmac.New(digests[p.esp.Integ.ID], p.key[p.esp.Encr.KeyLen:])
	mac.Write(slices.Concat(p.aad[:8], out, p.aad[8:]))
	return append(out, mac.Sum(nil)[:p.esp.ICVLen()]...)
}

func (p packet) block(t testing.TB) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(p.key[:p.esp.Encr.KeyLen])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (p packet) aead(t testing.TB) cipher.AEAD {
	t.Helper()
	expand := chacha20poly1305.New
	if id := p.esp.Encr.ID; id != suite.EncrChaCha20Poly1305 && id != suite.EncrChaCha20Poly1305IIV {
		expand = func([]byte) (cipher.AEAD, error) { return cipher.NewGCM(p.block(t)) }
	}
	a, err := expand(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
