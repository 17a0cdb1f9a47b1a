package umlpeer

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
)

// espSA is one direction of an AES-GCM SA (RFC 4106), just enough of it to talk to a kernel: no replay window.
type espSA struct {
	spi  uint32
	seq  uint64
	esn  bool
	salt []byte
	gcm  cipher.AEAD
}

func newESP(sa SA) *espSA {
	n := len(sa.Key) - 4
	block, err := aes.NewCipher(sa.Key[:n])
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &espSA{spi: sa.SPI, esn: sa.ESN, salt: sa.Key[n:], gcm: gcm}
}

// aad is SPI and sequence number, with the upper half between them where there is one (RFC 4106 5).
func (s *espSA) aad(seq uint64) []byte {
	a := binary.BigEndian.AppendUint32(nil, s.spi)
	if s.esn {
		a = binary.BigEndian.AppendUint32(a, uint32(seq>>32))
	}
	return binary.BigEndian.AppendUint32(a, uint32(seq))
}

func (s *espSA) seal(next byte, payload []byte) []byte {
	s.seq++
	h := binary.BigEndian.AppendUint32(nil, s.spi)
	h = binary.BigEndian.AppendUint32(h, uint32(s.seq))
	h = binary.BigEndian.AppendUint64(h, s.seq) // IV
	p := append([]byte{}, payload...)
	for i := byte(1); len(p)%4 != 2; i++ {
		p = append(p, i)
	}
	p = append(p, byte(len(p)-len(payload)), next)
	return s.gcm.Seal(h, append(append([]byte{}, s.salt...), h[8:]...), p, s.aad(s.seq))
}

// open takes the sequence number's upper half to be zero: the tests send few packets.
func (s *espSA) open(esp []byte) (payload []byte, next byte, err error) {
	if len(esp) < 16 {
		return nil, 0, errors.New("too short")
	}
	seq := uint64(binary.BigEndian.Uint32(esp[4:]))
	p, err := s.gcm.Open(nil, append(append([]byte{}, s.salt...), esp[8:16]...), esp[16:], s.aad(seq))
	if err != nil {
		return nil, 0, fmt.Errorf("sequence number %d: %w", seq, err)
	}
	n := len(p) - 2 - int(p[len(p)-2])
	return p[:n], p[len(p)-1], nil
}
