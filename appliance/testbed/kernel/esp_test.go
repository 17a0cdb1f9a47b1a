package kernel

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is an algorithm by its three names, with the lengths of its key material.
type suite struct {
	encr, integ string // in our configuration
	alg         string // in the guest's "sa" command
	key         int    // octets of cipher key and salt
	auth        int    // octets of integrity key
}

var (
	aes128gcm = suite{encr: "aes128gcm16", alg: "gcm16", key: 20}
	aes256gcm = suite{encr: "aes256gcm16", alg: "gcm16", key: 36}
	chacha    = suite{encr: "chacha20poly1305", alg: "chacha20poly1305", key: 36}
	gmac      = suite{encr: "aes128gmac", alg: "rfc4543(gcm(aes))", key: 20}
	cbc       = suite{encr: "aes128", integ: "sha256", alg: "cbc-sha256", key: 16, auth: 32}
)

// decoder opens the ESP packets of one SA with nothing but standard cryptography. It keeps no window; the upper half of
// 64-bit sequence numbers is taken to be zero, since the tests send few packets.
type decoder struct {
	spi  uint32
	esn  bool
	iv   int // octets of IV in the packet
	icv  int
	open func(aad, iv, sealed []byte) ([]byte, error)
}

func newDecoder(s suite, spi uint32, esn bool, keymat []byte) *decoder {
	d := &decoder{spi: spi, esn: esn, iv: 8, icv: 16}
	key, salt := keymat[:s.key-4], keymat[s.key-4:s.key]
	switch s {
	case cbc:
		d.iv = aes.BlockSize
		d.open = cbcSHA256(keymat[:s.key], keymat[s.key:])
	case chacha:
		aead, err := chacha20poly1305.New(key)
		d.open = combined(aead, salt, err)
	case gmac:
		d.open = onlyAuth(newGCM(key), salt)
	default:
		d.open = combined(newGCM(key), salt, nil)
	}
	return d
}

func newGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// combined is RFC 4106 and RFC 7634: the nonce is salt and IV.
func combined(aead cipher.AEAD, salt []byte, err error) func(aad, iv, sealed []byte) ([]byte, error) {
	if err != nil {
		panic(err)
	}
	return func(aad, iv, sealed []byte) ([]byte, error) {
		return aead.Open(nil, append(bytes.Clone(salt), iv...), sealed, aad)
	}
}

// onlyAuth is RFC 4543 3: the payload is not encrypted, it is additional data behind the IV.
func onlyAuth(gcm cipher.AEAD, salt []byte) func(aad, iv, sealed []byte) ([]byte, error) {
	return func(aad, iv, sealed []byte) ([]byte, error) {
		plain, tag := sealed[:len(sealed)-16], sealed[len(sealed)-16:]
		all := append(append(bytes.Clone(aad), iv...), plain...)
		_, err := gcm.Open(nil, append(bytes.Clone(salt), iv...), tag, all)
		return plain, err
	}
}

// cbcSHA256 is RFC 3602 with RFC 4868: the integrity value covers the upper half of a 64-bit sequence number behind the
// packet (RFC 4303 2.2.1), which aad has in front.
func cbcSHA256(key, auth []byte) func(aad, iv, sealed []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return func(aad, iv, sealed []byte) ([]byte, error) {
		text, tag := sealed[:len(sealed)-16], sealed[len(sealed)-16:]
		h := hmac.New(sha256.New, auth)
		h.Write(aad[:4])
		h.Write(aad[len(aad)-4:])
		h.Write(iv)
		h.Write(text)
		h.Write(aad[4 : len(aad)-4])
		if !hmac.Equal(h.Sum(nil)[:16], tag) {
			return nil, errors.New("integrity value does not match")
		}
		if len(text)%aes.BlockSize != 0 {
			return nil, fmt.Errorf("%d octets of text", len(text))
		}
		plain := make([]byte, len(text))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, text)
		return plain, nil
	}
}

// payload is what one ESP packet carried.
type payload struct {
	seq  uint32
	next byte
	data []byte
}

// decode opens an ESP packet and checks its padding (RFC 4303 2.4: 1, 2, 3, ..., the end aligned to four octets).
func (d *decoder) decode(esp []byte) (p payload, err error) {
	if len(esp) < 8+d.iv+2+d.icv {
		return p, fmt.Errorf("esp packet of %d octets", len(esp))
	}
	if spi := binary.BigEndian.Uint32(esp); spi != d.spi {
		return p, fmt.Errorf("spi %#x, expected %#x", spi, d.spi)
	}
	p.seq = binary.BigEndian.Uint32(esp[4:])
	aad := bytes.Clone(esp[:4])
	if d.esn {
		aad = append(aad, 0, 0, 0, 0)
	}
	aad = append(aad, esp[4:8]...)
	plain, err := d.open(aad, esp[8:8+d.iv], esp[8+d.iv:])
	if err != nil {
		return p, fmt.Errorf("sequence number %d: %w", p.seq, err)
	}
	n := len(plain) - 2 - int(plain[len(plain)-2])
	if n < 0 || len(plain)%4 != 0 {
		return p, fmt.Errorf("sequence number %d: %d octets of text, %d of padding", p.seq, len(plain), plain[len(plain)-2])
	}
	for i, b := range plain[n : len(plain)-2] {
		if int(b) != i+1 {
			return p, fmt.Errorf("sequence number %d: padding %x", p.seq, plain[n:len(plain)-2])
		}
	}
	p.next, p.data = plain[len(plain)-1], plain[:n]
	return p, nil
}
