package bench

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// The shape of AES-128-GCM as ESP uses it (RFC 4106): key, salt in front of an 8-octet counter IV, AAD with 64-bit
// sequence numbers, ICV.
const (
	keyLen  = 16
	saltLen = 4
	aadLen  = 12
	icvLen  = 16
)

// bare is the reference: what the standard library costs for octets that lie where packets lie.
//
// The texts are slices made once, and nonce and AAD are fields, because a nonce on the stack escapes through cipher.AEAD
// and would cost an allocation a packet.
type bare struct {
	aead   cipher.AEAD
	nonce  [saltLen + 8]byte
	aad    [aadLen]byte
	first  uint64 // counter of the first packet of this pass
	texts  [][]byte
	pool   *mbuf.Pool
	ms     mbuf.Burst
	packet []byte
	failed int
}

// newBare is for the octets of the packet alone.
func newBare(size int) (circuit, error) { return newCipher("aead.bare", innerPacket(size)) }

// newText is for the octets that ESP has to encrypt: the packet, padding, Pad Length and Next Header (RFC 4303 2). What
// ESP costs beyond it is its own.
func newText(size int) (circuit, error) {
	p, err := saParams(esp.ModeTunnel)
	if err != nil {
		return nil, err
	}
	text := make([]byte, esp.Overhead{Align: p.Suite.Align()}.PacketSize(size))
	copy(text, innerPacket(size))
	return newCipher("aead.text", text)
}

func newCipher(name string, text []byte) (circuit, error) {
	size := len(text)
	n := passPackets(size)
	pool, err := newPool(name, size, n, 0)
	if err != nil {
		return nil, err
	}
	c := &bare{pool: pool, packet: text, first: 1, texts: make([][]byte, n), ms: make(mbuf.Burst, n)}
	var key [keyLen]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	if c.aead, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	if err = fill(pool, c.ms, c.packet); err != nil {
		return nil, err
	}
	for i, m := range c.ms {
		c.texts[i] = m.Room()[: size+icvLen : size+icvLen]
	}
	return c, nil
}

func (c *bare) out() int {
	size, n := len(c.packet), c.first
	for _, b := range c.texts {
		binary.BigEndian.PutUint64(c.nonce[saltLen:], n)
		n++
		c.aead.Seal(b[:0], c.nonce[:], b[:size], c.aad[:])
	}
	return len(c.texts)
}

func (c *bare) carry() error { return nil }

func (c *bare) in() int {
	n := c.first
	for _, b := range c.texts {
		binary.BigEndian.PutUint64(c.nonce[saltLen:], n)
		n++
		if _, err := c.aead.Open(b[:0], c.nonce[:], b, c.aad[:]); err != nil {
			c.failed++
		}
	}
	return len(c.texts)
}

func (c *bare) check() error {
	c.first += uint64(len(c.texts))
	if c.failed > 0 {
		return fmt.Errorf("%d of %d packets not authentic: %w", c.failed, len(c.texts), errChanged)
	}
	return same(c.ms, c.packet)
}

func (c *bare) close() error { return closePool(c.pool, c.ms) }
