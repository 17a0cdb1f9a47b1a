package bench

import (
	"crypto/rand"
	"fmt"
	"net/netip"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// The two ends of the tunnels measured here.
var (
	here  = netip.AddrFrom4([4]byte{198, 51, 100, 1})
	there = netip.AddrFrom4([4]byte{198, 51, 100, 2})
)

const (
	spi          = 0x1000
	replayWindow = 1984
)

// saParams are those of an SA from here to there, with a key drawn for it.
func saParams(mode esp.Mode) (*esp.Params, error) {
	s, ok := suite.Lookup(suite.AES128GCM16)
	if !ok {
		return nil, fmt.Errorf("suite %v is not in the table", suite.AES128GCM16)
	}
	p := &esp.Params{
		SPI: spi, Suite: s, Keymat: make([]byte, s.KeymatLen()), ESN: true, Mode: mode, Src: here, Dst: there,
		CopyECN: mode == esp.ModeTunnel, ReplayWindow: replayWindow,
	}
	rand.Read(p.Keymat)
	return p, nil
}

// saPair installs one SA in slot 0 of two tables, one for each direction.
func saPair(p *esp.Params) (*esp.Outbound, *esp.Inbound, error) {
	out, in := esp.NewOutbound(aead.NewStd(1), 1), esp.NewInbound(aead.NewStd(1), 1)
	if err := out.Install(0, p); err != nil {
		return nil, nil, err
	}
	return out, in, in.Install(0, p)
}

// plainESP carries inner packets by ESP in tunnel mode, in place, in bursts of 32.
type plainESP struct {
	outbound *esp.Outbound
	inbound  *esp.Inbound
	pool     *mbuf.Pool
	ms       mbuf.Burst
	packet   []byte
	passed   int // packets the direction under way let through
}

func newESP(size int) (circuit, error) {
	n := passPackets(size)
	p, err := saParams(esp.ModeTunnel)
	if err != nil {
		return nil, err
	}
	c := &plainESP{ms: make(mbuf.Burst, n), packet: innerPacket(size)}
	if c.outbound, c.inbound, err = saPair(p); err != nil {
		return nil, err
	}
	if c.pool, err = newPool("esp", size, n, 0); err != nil {
		return nil, err
	}
	return c, fill(c.pool, c.ms, c.packet)
}

func (c *plainESP) out() int {
	c.passed = 0
	for at := 0; at < len(c.ms); at += mbuf.BurstSize {
		c.passed += c.outbound.Seal(c.ms[at : at+mbuf.BurstSize])
	}
	return len(c.ms)
}

// carry does what a worker has done before it opens: the outer header is off, its DS field in the metadata.
func (c *plainESP) carry() error {
	if c.passed != len(c.ms) {
		return rejected("sealed", c.passed, c.ms)
	}
	return cutOuter(c.ms)
}

// cutOuter takes the outer IPv4 headers off.
func cutOuter(ms mbuf.Burst) error {
	for _, m := range ms {
		m.TOS, m.TTL = m.Data()[1], m.Data()[8]
		if !m.Adj(ipv4Len) {
			return fmt.Errorf("outer packet of %d octets: %w", m.Len(), errChanged)
		}
	}
	return nil
}

func (c *plainESP) in() int {
	c.passed = 0
	for at := 0; at < len(c.ms); at += mbuf.BurstSize {
		c.passed += c.inbound.Open(c.ms[at : at+mbuf.BurstSize])
	}
	return len(c.ms)
}

func (c *plainESP) check() error {
	if c.passed != len(c.ms) {
		return rejected("opened", c.passed, c.ms)
	}
	return same(c.ms, c.packet)
}

func (c *plainESP) close() error { return closePool(c.pool, c.ms) }

// rejected names the first packet that a stage did not let through.
func rejected(done string, passed int, ms mbuf.Burst) error {
	for i, m := range ms {
		if m.Verdict != mbuf.Pass {
			return fmt.Errorf("%d of %d packets %s, packet %d is %v: %w", passed, len(ms), done, i, m.Verdict, errLost)
		}
	}
	return fmt.Errorf("%d of %d packets %s: %w", passed, len(ms), done, errLost)
}
