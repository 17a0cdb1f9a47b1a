package esp_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
)

// reference is RFC 4303 for one packet, written straight from the RFCs over the standard library: it shares nothing with
// the package but the suite's lengths.
type reference struct{ p *esp.Params }

// seal returns the ESP packet for a text (payload, padding, trailer).
func (r reference) seal(seq uint64, iv, text []byte) []byte {
	packet := binary.BigEndian.AppendUint32(nil, r.p.SPI)
	packet = binary.BigEndian.AppendUint32(packet, uint32(seq))
	packet = append(packet, iv...)
	switch r.p.Suite.Encr.Kind {
	case suite.KindAEAD:
		return append(packet, r.aead().Seal(nil, r.nonce(seq, iv), text, r.aad(seq))...)
	case suite.KindGMAC: // RFC 4543 3.3: AAD, then IV and text
		icv := r.aead().Seal(nil, r.nonce(seq, iv), nil, bytes.Join([][]byte{r.aad(seq), iv, text}, nil))
		return append(append(packet, text...), icv...)
	case suite.KindCBC:
		packet = append(packet, text...)
		cipher.NewCBCEncrypter(r.block(), iv).CryptBlocks(packet[len(packet)-len(text):], text)
	case suite.KindNull:
		packet = append(packet, text...)
	}
	return append(packet, r.mac(seq, packet)...)
}

// open is the other direction; ok is false where the ICV does not match.
func (r reference) open(seq uint64, packet []byte) (text []byte, ok bool) {
	iv := packet[8 : 8+r.p.Suite.IVLen()]
	body, icv := packet[8+len(iv):len(packet)-r.p.Suite.ICVLen()], packet[len(packet)-r.p.Suite.ICVLen():]
	switch r.p.Suite.Encr.Kind {
	case suite.KindAEAD:
		text, err := r.aead().Open(nil, r.nonce(seq, iv), packet[8+len(iv):], r.aad(seq))
		return text, err == nil
	case suite.KindGMAC:
		_, err := r.aead().Open(nil, r.nonce(seq, iv), icv, bytes.Join([][]byte{r.aad(seq), iv, body}, nil))
		return body, err == nil
	case suite.KindCBC:
		text = make([]byte, len(body))
		cipher.NewCBCDecrypter(r.block(), iv).CryptBlocks(text, body)
	case suite.KindNull:
		text = body
	}
	return text, hmac.Equal(icv, r.mac(seq, packet[:len(packet)-len(icv)]))
}

func (r reference) cipherKey() []byte { return r.p.Keymat[:r.p.Suite.Encr.KeyLen] }

func (r reference) block() cipher.Block {
	b, err := aes.NewCipher(r.cipherKey())
	if err != nil {
		panic(err)
	}
	return b
}

func (r reference) aead() cipher.AEAD {
	var a cipher.AEAD
	var err error
	switch r.p.Suite.Alg {
	case suite.ChaCha20Poly1305, suite.ChaCha20Poly1305IIV:
		a, err = chacha20poly1305.New(r.cipherKey())
	default:
		a, err = cipher.NewGCM(r.block())
	}
	if err != nil {
		panic(err)
	}
	return a
}

// nonce is salt and IV (RFC 4106 4); an implicit IV is the sequence number in 64 bits (RFC 8750 4).
func (r reference) nonce(seq uint64, iv []byte) []byte {
	if r.p.Suite.Encr.ImplicitIV {
		iv = binary.BigEndian.AppendUint64(nil, seq)
	}
	return append(append([]byte(nil), r.p.Keymat[r.p.Suite.KeyLen():]...), iv...)
}

// aad is SPI and sequence number, all 64 bits of it with ESN (RFC 4106 5).
func (r reference) aad(seq uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, r.p.SPI)
	if r.p.ESN {
		return binary.BigEndian.AppendUint64(b, seq)
	}
	return binary.BigEndian.AppendUint32(b, uint32(seq))
}

// mac covers the packet and with ESN the high half behind it (RFC 4303 2.2.1), cut to half the digest (RFC 4868 2.1).
func (r reference) mac(seq uint64, packet []byte) []byte {
	hashes := map[int]func() hash.Hash{16: sha256.New, 24: sha512.New384, 32: sha512.New}
	n := r.p.Suite.Integ.ICVLen
	h := hmac.New(hashes[n], r.p.Keymat[r.p.Suite.Encr.KeyLen:])
	h.Write(packet)
	if r.p.ESN {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(seq>>32)))
	}
	return h.Sum(nil)[:n]
}

// text is a payload with the shortest padding and the trailer behind it.
func (r reference) text(payload []byte, nh byte) []byte {
	out := append([]byte(nil), payload...)
	for i := byte(1); (len(out)+2)%r.p.Suite.Align() != 0; i++ {
		out = append(out, i)
	}
	return append(out, byte(len(out)-len(payload)), nh)
}

// packet seals a payload with an IV of octets 0x40, 0x41, ...
func (r reference) packet(seq uint64, nh byte, payload []byte) []byte {
	iv := make([]byte, r.p.Suite.IVLen())
	for i := range iv {
		iv[i] = byte(0x40 + i)
	}
	return r.seal(seq, iv, r.text(payload, nh))
}
