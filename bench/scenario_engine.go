package bench

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"stillwater/crypto/aead"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// engine is the burst interface of crypto/aead over the same octets as bare.
type engine struct {
	engine aead.Engine
	ds     []aead.Desc
	first  uint64 // counter of the first packet of this pass
	pool   *mbuf.Pool
	ms     mbuf.Burst
	packet []byte
	failed int
}

func newEngine(size int) (circuit, error) {
	n := passPackets(size)
	pool, err := newPool("aead.std", size, n, 0)
	if err != nil {
		return nil, err
	}
	c := &engine{engine: aead.NewStd(1), ds: make([]aead.Desc, n), first: 1, pool: pool, ms: make(mbuf.Burst, n), packet: innerPacket(size)}
	var key [keyLen]byte
	rand.Read(key[:])
	if err := c.engine.SetKey(0, suite.AES128GCM16, key[:]); err != nil {
		return nil, err
	}
	if err = fill(pool, c.ms, c.packet); err != nil {
		return nil, err
	}
	for i, m := range c.ms {
		c.ds[i] = aead.Desc{Addr: m.Addr(), Len: uint32(size), AADLen: aadLen}
	}
	return c, nil
}

// number writes the nonces of one burst, which is what ESP does for every packet.
func number(ds []aead.Desc, first uint64) {
	for i := range ds {
		binary.BigEndian.PutUint64(ds[i].Nonce[saltLen:], first+uint64(i))
	}
}

func (c *engine) out() int {
	for at := 0; at < len(c.ds); at += mbuf.BurstSize {
		ds := c.ds[at : at+mbuf.BurstSize]
		number(ds, c.first+uint64(at))
		c.engine.Seal(ds)
	}
	return len(c.ds)
}

func (c *engine) carry() error {
	for i := range c.ds {
		if c.ds[i].Status != aead.OK {
			return fmt.Errorf("packet %d not sealed: %w", i, errLost)
		}
	}
	return nil
}

func (c *engine) in() int {
	for at := 0; at < len(c.ds); at += mbuf.BurstSize {
		ds := c.ds[at : at+mbuf.BurstSize]
		number(ds, c.first+uint64(at))
		c.failed += c.engine.Open(ds)
	}
	return len(c.ds)
}

func (c *engine) check() error {
	c.first += uint64(len(c.ds))
	if c.failed > 0 {
		return fmt.Errorf("%d of %d packets not authentic: %w", c.failed, len(c.ds), errChanged)
	}
	return same(c.ms, c.packet)
}

func (c *engine) close() error { return closePool(c.pool, c.ms) }
