package aead

import (
	"bytes"
	"runtime"
	"testing"

	"stillwater/crypto/suite"
)

// fuzzLimit bounds what one input may hold.
const fuzzLimit = 4096

// FuzzStdOpen opens any octets under any algorithm. Nothing may panic or touch memory beside the packet, and what opens
// must be what Seal makes of the opened text.
func FuzzStdOpen(f *testing.F) {
	for _, s := range suite.All() {
		p := tamperPacket(s)
		f.Add(uint8(s.Alg), uint8(12), p.aad, p.nonce, p.reference(f))
	}
	f.Add(uint8(suite.AES128CBCSHA256), uint8(8), []byte{}, []byte{}, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, alg, aadLen uint8, aad, nonce, sealed []byte) {
		s, ok := suite.Lookup(suite.Alg(alg))
		if !ok || len(sealed) < s.ICVLen() || len(sealed) > fuzzLimit {
			return
		}
		e := NewStd(1)
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		p.nonce, p.aad, p.text = nonce, aad, make([]byte, len(sealed)-s.ICVLen())
		b := p.buffer()
		copy(b.sealed(), sealed)
		ds := []Desc{p.desc(0, b)}
		ds[0].AADLen = aadLen
		failed := e.Open(ds)
		b.check(t)
		if failed != int(ds[0].Status) {
			t.Fatalf("%d failed with status %d", failed, ds[0].Status)
		}
		if failed != 0 {
			return
		}
		if e.Seal(ds); !bytes.Equal(b.sealed(), sealed) {
			t.Fatalf("%v: sealing the opened text gives other octets", s)
		}
		runtime.KeepAlive(b)
	})
}
