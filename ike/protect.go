package ike

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"

	"stillwater/crypto/suite"
)

// Lengths around the protected part (RFC 7296 3.14, RFC 7383 2.5, RFC 5282 3).
const (
	genericLen  = 4 // generic payload header
	fragmentLen = 4 // fragment number and total of SKF
	counterLen  = 8 // IV of an AEAD
)

// errICV is a message that its integrity check does not hold.
var errICV = errors.New("integrity check failed")

// errPadding is a message that is authentic and has padding longer than itself.
var errPadding = errors.New("padding is longer than the payload")

// box protects the SK payloads of one direction. It is made for one message and dropped: expanded keys are larger than all
// else an idle IKE SA needs, and messages are rare. Owned by its caller.
type box struct {
	aead  cipher.AEAD // nil: CBC, then HMAC (RFC 7296 3.14)
	salt  []byte
	block cipher.Block
	mac   hash.Hash
	icv   int
}

// macs are the hash functions of the integrity transforms (RFC 4868).
var macs = map[uint16]func() hash.Hash{
	suite.IntegHMACSHA256128: sha256.New,
	suite.IntegHMACSHA384192: sha512.New384,
	suite.IntegHMACSHA512256: sha512.New,
}

// newBox expands SK_e and SK_a of one direction. The keys have the lengths of the suite, or it panics: they are derived here.
func newBox(st suite.IKE, encr, integ []byte) box {
	key, salt := encr[:st.Encr.KeyLen], encr[st.Encr.KeyLen:]
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("ike: SK_e of " + st.Encr.Name + ": " + err.Error())
	}
	if !st.Encr.Kind.SelfAuth() {
		return box{block: block, mac: hmac.New(macs[st.Integ.ID], integ), icv: st.Integ.ICVLen}
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("ike: GCM: " + err.Error())
	}
	return box{aead: aead, salt: salt, icv: aead.Overhead()}
}

// ivLen is the octets in front of the ciphertext.
func (b *box) ivLen() int {
	if b.aead != nil {
		return counterLen
	}
	return aes.BlockSize
}

// overhead is what protection adds to a plaintext of n octets: IV, padding with its length, ICV.
func (b *box) overhead(n int) int { return b.ivLen() + b.padding(n) + 1 + b.icv }

// padding is the shortest that works: none for an AEAD (RFC 5282 3).
func (b *box) padding(n int) int {
	if b.aead != nil {
		return 0
	}
	return aes.BlockSize - 1 - n%aes.BlockSize
}

// room is the longest plaintext that fits with its overhead into n octets, negative when none does.
func (b *box) room(n int) int {
	n -= b.ivLen() + b.icv
	if b.aead == nil {
		n -= n % aes.BlockSize
	}
	return n - 1
}

// seal appends the protected plaintext to msg, which ends behind the SK or SKF header that starts at skAt, and sets the
// lengths of that payload and of the message: both are authenticated. iv fills the IV.
func (b *box) seal(msg []byte, skAt int, plain []byte, iv func([]byte)) []byte {
	end := len(msg) + len(plain) + b.overhead(len(plain))
	binary.BigEndian.PutUint16(msg[skAt+2:], uint16(end-skAt))
	binary.BigEndian.PutUint32(msg[24:], uint32(end))
	ivAt := len(msg)
	textAt := ivAt + b.ivLen()
	msg = append(msg, make([]byte, b.ivLen())...)
	iv(msg[ivAt:])
	msg = append(msg, plain...)
	pad := b.padding(len(plain))
	msg = append(append(msg, make([]byte, pad)...), byte(pad))
	if b.aead != nil {
		return b.aead.Seal(msg[:textAt], b.nonce(msg[ivAt:textAt]), msg[textAt:], msg[:ivAt])
	}
	cipher.NewCBCEncrypter(b.block, msg[ivAt:textAt]).CryptBlocks(msg[textAt:], msg[textAt:])
	return b.sum(msg)
}

// sum appends the truncated HMAC of msg.
func (b *box) sum(msg []byte) []byte {
	b.mac.Reset()
	b.mac.Write(msg)
	return b.mac.Sum(msg)[:len(msg)+b.icv]
}

// nonce is salt and IV (RFC 5282 4).
func (b *box) nonce(iv []byte) []byte { return append(append(make([]byte, 0, 12), b.salt...), iv...) }

// open verifies a message whose IV starts at ivAt, and decrypts it in place. It returns the plaintext without padding.
func (b *box) open(msg []byte, ivAt int) ([]byte, error) {
	textAt, end := ivAt+b.ivLen(), len(msg)-b.icv
	if end <= textAt {
		return nil, errICV
	}
	if b.aead == nil {
		return b.openCBC(msg, ivAt, textAt, end)
	}
	plain, err := b.aead.Open(msg[textAt:textAt], b.nonce(msg[ivAt:textAt]), msg[textAt:], msg[:ivAt])
	if err != nil {
		return nil, errICV
	}
	return unpad(plain)
}

// openCBC verifies before it decrypts: padding is looked at only when the peer has written it (IKE-096).
func (b *box) openCBC(msg []byte, ivAt, textAt, end int) ([]byte, error) {
	text := msg[textAt:end]
	var mac [sha512.Size]byte
	b.mac.Reset()
	b.mac.Write(msg[:end])
	if !hmac.Equal(b.mac.Sum(mac[:0])[:b.icv], msg[end:]) || len(text)%aes.BlockSize != 0 {
		return nil, errICV
	}
	cipher.NewCBCDecrypter(b.block, msg[ivAt:textAt]).CryptBlocks(text, text)
	return unpad(text)
}

// unpad takes padding of any content off (RFC 7296 3.14).
func unpad(plain []byte) ([]byte, error) {
	last := len(plain) - 1
	if n := int(plain[last]); n <= last {
		return plain[:last-n], nil
	}
	return nil, errPadding
}
