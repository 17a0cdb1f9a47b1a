package aead

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"stillwater/crypto/suite"
)

// nonceLen is salt and IV: 4 and 8 octets (RFC 4106 4, RFC 7634 2).
const nonceLen = 12

// newStdAEAD expands key for an encryption transform that authenticates by itself. The implicit-IV transforms are the
// same primitives (RFC 8750 3).
func newStdAEAD(encr uint16, key []byte) (cipher.AEAD, error) {
	switch encr {
	case suite.EncrChaCha20Poly1305, suite.EncrChaCha20Poly1305IIV:
		return chacha20poly1305.New(key)
	case suite.EncrAESGCM16, suite.EncrAESGCM16IIV, suite.EncrNullAuthAESGMAC:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	}
	return nil, fmt.Errorf("%w: encryption transform %d", ErrAlg, encr)
}

func (d *Desc) fitsAEAD() bool { return d.AADLen <= MaxAAD && d.Len <= MaxText }

func sealAEAD(k *stdKey, ds []Desc) {
	aead, icv := k.aead, k.icv
	for i := range ds {
		d := &ds[i]
		if !d.fitsAEAD() {
			d.refuse()
			continue
		}
		text := d.text(icv)
		aead.Seal(text[:0], d.Nonce[:nonceLen], text, d.AAD[:d.AADLen])
		d.Status = OK
	}
}

func openAEAD(k *stdKey, ds []Desc) (failed int) {
	aead, icv := k.aead, k.icv
	for i := range ds {
		d := &ds[i]
		d.Status = AuthFailed
		if d.fitsAEAD() {
			sealed := d.sealed(icv)
			if _, err := aead.Open(sealed[:0], d.Nonce[:nonceLen], sealed, d.AAD[:d.AADLen]); err == nil {
				d.Status = OK
			}
		}
		failed += int(d.Status)
	}
	return failed
}

// join puts AAD and text in one piece: RFC 4543 3.3 authenticates both as GCM's AAD. AAD does not stand in front of the text
// in the packet when it has the high half of the sequence number, hence the copy.
func (s *Std) join(d *Desc, text []byte) []byte {
	n := copy(s.whole, d.AAD[:d.AADLen])
	n += copy(s.whole[n:], text)
	return s.whole[:n]
}

func (s *Std) sealGMAC(k *stdKey, ds []Desc) {
	for i := range ds {
		d := &ds[i]
		if !d.fitsAEAD() {
			d.refuse()
			continue
		}
		sealed := d.sealed(k.icv)
		icv := sealed[d.Len:]
		k.aead.Seal(icv[:0], d.Nonce[:nonceLen], nil, s.join(d, sealed[:d.Len]))
		d.Status = OK
	}
}

func (s *Std) openGMAC(k *stdKey, ds []Desc) (failed int) {
	for i := range ds {
		d := &ds[i]
		d.Status = AuthFailed
		if d.fitsAEAD() {
			sealed := d.sealed(k.icv)
			if _, err := k.aead.Open(nil, d.Nonce[:nonceLen], sealed[d.Len:], s.join(d, sealed[:d.Len])); err == nil {
				d.Status = OK
			}
		}
		failed += int(d.Status)
	}
	return failed
}
