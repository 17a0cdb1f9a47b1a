package aead

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"stillwater/crypto/suite"
)

// etm is one encrypt-then-MAC key: AES-CBC or nothing, and HMAC.
type etm struct {
	ivLen    int // 16 for CBC, 0 for NULL
	mac      hash.Hash
	enc, dec ivMode // CBC only
}

// ivMode is a CBC mode whose IV can be set, which spares a new mode per packet.
type ivMode interface {
	cipher.BlockMode
	SetIV([]byte)
}

// digests are the hashes of the integrity transforms (RFC 4868 2).
var digests = map[uint16]func() hash.Hash{
	suite.IntegHMACSHA256128: sha256.New,
	suite.IntegHMACSHA384192: sha512.New384,
	suite.IntegHMACSHA512256: sha512.New,
}

// newEtM expands key, cipher key first (RFC 7296 2.17).
func newEtM(esp suite.ESP, key []byte) (etm, error) {
	digest, ok := digests[esp.Integ.ID]
	if !ok {
		return etm{}, fmt.Errorf("%w: integrity transform %d", ErrAlg, esp.Integ.ID)
	}
	k := etm{ivLen: esp.IVLen(), mac: hmac.New(digest, key[esp.Encr.KeyLen:])}
	// The first Reset after New is the one that allocates: it keeps the state of the two padded key blocks.
	k.mac.Reset()
	if esp.Encr.Kind == suite.KindNull {
		return k, nil
	}
	block, err := aes.NewCipher(key[:esp.Encr.KeyLen])
	if err != nil {
		return etm{}, err
	}
	var iv [aes.BlockSize]byte
	k.enc = settable(cipher.NewCBCEncrypter(block, iv[:]), block, cipher.NewCBCEncrypter)
	k.dec = settable(cipher.NewCBCDecrypter(block, iv[:]), block, cipher.NewCBCDecrypter)
	return k, nil
}

// settable is mode itself where it has the SetIV that the library's modes have but do not promise; otherwise a mode made
// anew for each IV, which is correct and allocates once per packet.
func settable(mode cipher.BlockMode, block cipher.Block, renew func(cipher.Block, []byte) cipher.BlockMode) ivMode {
	if m, ok := mode.(ivMode); ok {
		return m
	}
	return &renewed{BlockMode: mode, block: block, renew: renew}
}

type renewed struct {
	cipher.BlockMode
	block cipher.Block
	renew func(cipher.Block, []byte) cipher.BlockMode
}

func (r *renewed) SetIV(iv []byte) { r.BlockMode = r.renew(r.block, iv) }

// fits reports whether the descriptor's lengths are ones that the key can have: RFC 3602 2.4 wants whole blocks behind
// the IV, RFC 4303 2.2.1 a sequence number of 32 or 64 bits.
func (k *etm) fits(d *Desc) bool {
	if d.AADLen != 8 && d.AADLen != 12 || d.Len > MaxText {
		return false
	}
	return k.enc == nil || d.Len >= aes.BlockSize && d.Len%aes.BlockSize == 0
}

// sum computes the ICV of the text into scratch: HMAC(SPI, low | text | high).
func (k *etm) sum(scratch []byte, d *Desc, text []byte) []byte {
	k.mac.Reset()
	k.mac.Write(d.AAD[:8])
	k.mac.Write(text)
	k.mac.Write(d.AAD[8:d.AADLen])
	return k.mac.Sum(scratch[:0])
}

func (s *Std) sealEtM(sk *stdKey, ds []Desc) {
	k := &sk.etm
	for i := range ds {
		d := &ds[i]
		if !k.fits(d) {
			d.refuse()
			continue
		}
		sealed := d.sealed(sk.icv)
		text := sealed[:d.Len]
		if k.enc != nil {
			k.enc.SetIV(text[:k.ivLen])
			k.enc.CryptBlocks(text[k.ivLen:], text[k.ivLen:])
		}
		copy(sealed[d.Len:], k.sum(s.mac[:], d, text))
		d.Status = OK
	}
}

// openEtM compares the ICV, in constant time, before it decrypts anything (RFC 4303 3.4.4.1): what fails is left as it came.
func (s *Std) openEtM(sk *stdKey, ds []Desc) (failed int) {
	k := &sk.etm
	for i := range ds {
		d := &ds[i]
		if !k.fits(d) || !k.authentic(s.mac[:], d, d.sealed(sk.icv)) {
			d.Status = AuthFailed
			failed++
			continue
		}
		if k.dec != nil {
			text := d.text(0)
			k.dec.SetIV(text[:k.ivLen])
			k.dec.CryptBlocks(text[k.ivLen:], text[k.ivLen:])
		}
		d.Status = OK
	}
	return failed
}

func (k *etm) authentic(scratch []byte, d *Desc, sealed []byte) bool {
	icv := sealed[d.Len:]
	return subtle.ConstantTimeCompare(k.sum(scratch, d, sealed[:d.Len])[:len(icv)], icv) == 1
}
