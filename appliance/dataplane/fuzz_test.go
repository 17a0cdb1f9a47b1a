package dataplane

import (
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/iptfs"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// maxFuzz bounds what the fuzz targets look at, in octets.
const maxFuzz = 9000

// FuzzParseOuter: any octets that pass CheckIP are told apart without a step beyond them.
func FuzzParseOuter(f *testing.F) {
	f.Add(header4("192.0.2.2", "192.0.2.1", 50, 61, espOctets))
	f.Add(header4("192.0.2.2", "192.0.2.1", 17, 61, udp(4500, 4500, espOctets)))
	f.Add(header4("192.0.2.2", "192.0.2.1", 17, 61, udp(4500, 4500, []byte{0xff})))
	f.Add(chain(0, 43, 60))
	f.Add(fragment6(50, 0, espOctets))
	f.Add(fragment6(17, 8, espOctets))
	f.Add([]byte{0x45})
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "fuzz", N64K: 1})
	must(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFuzz {
			return
		}
		m := pool.Get(len(data))
		defer pool.Put(m)
		copy(m.Append(len(data)), data)
		if CheckIP(m) != mbuf.Pass {
			return
		}
		before := m.Len()
		switch v := ParseOuter(m); v {
		case mbuf.Pass:
			if m.Len() < 8 || m.SPI != be32(m.Data()) || before-m.Len() < 20 {
				t.Errorf("ESP of %d octets with SPI %#x in %d octets", m.Len(), m.SPI, before)
			}
		case mbuf.Punted, mbuf.OuterFragment, mbuf.Keepalive, mbuf.Malformed, mbuf.TooShort:
			if m.Len() > before {
				t.Errorf("%s: %d octets became %d", v, before, m.Len())
			}
		default:
			t.Errorf("verdict %s", v)
		}
	})
}

// The ways a fuzzed packet enters a worker.
const (
	fuzzInside = iota
	fuzzOutside
	fuzzPayload  // inside authentic ESP with Next Header 144: a peer that has gone mad
	fuzzInner    // the same as an IPv4 packet in tunnel mode
	fuzzInjected // by the host stack, in all ways it has: the reassembler's work may be anything
	fuzzWays
)

// fuzzPeer seals what a peer with good keys might send.
type fuzzPeer struct {
	*host
	out *esp.Outbound
}

func newFuzzPeer(t testing.TB, r *rig) *fuzzPeer {
	p := &fuzzPeer{r.openPeer(), esp.NewOutbound(aead.NewStd(2), 2)}
	for slot, mode := range []func(uint32, addresses, addresses) SA{aggregateSA, tunnelSA} {
		sa := mode(0x1000+uint32(slot), addrB, addrA)
		r.a.installIn(0, sa)
		params, err := sa.params()
		must(t, err)
		must(t, p.out.Install(uint32(slot), params))
	}
	return p
}

// seal sends data in ESP of SA slot.
func (p *fuzzPeer) seal(slot uint32, nextHeader uint8, link pmd.Link, data []byte) {
	m := p.pool.Get(len(data))
	copy(m.Append(len(data)), data)
	m.SA, m.NextHeader = slot, nextHeader
	if p.out.Seal(mbuf.Burst{m}) == 1 {
		p.send(onLink(link, m.Data()))
	}
	p.pool.Put(m)
}

// FuzzWorker feeds arbitrary frames to a worker on every way in, two at a time so that they meet in a burst, on raw and on
// Ethernet ports. Nothing may panic, and when time has passed every mbuf is home.
func FuzzWorker(f *testing.F) {
	inner := numbered(addrB.host, addrA.host, 60, 1)
	f.Add(uint8(fuzzInside), numbered(addrA.host, addrB.host, 60, 1))
	f.Add(uint8(fuzzInside), numbered(addrA.host6, addrB.host6, 60, 1))
	f.Add(uint8(fuzzOutside), header4(addrB.outer, addrA.outer, 50, 64, append(be(0x1000), espOctets...)))
	f.Add(uint8(fuzzOutside), header4(addrB.outer, addrA.outer, 17, 64, udp(4500, 4500, espOctets)))
	f.Add(uint8(fuzzPayload), append([]byte{0, 0, 0, 0}, inner...))
	f.Add(uint8(fuzzPayload), append([]byte{0, 0, 0, 0}, inner[:30]...))
	f.Add(uint8(fuzzPayload), append([]byte{0, 0, 0, 30}, inner[30:]...))
	f.Add(uint8(fuzzInner), inner)
	f.Add(uint8(fuzzInjected), inner)
	f.Add(uint8(fuzzInjected), header4(addrB.outer, addrA.outer, 50, 64, append(be(0x1000), espOctets...)))
	rigs := [2]*rig{newHalfRig(f, rigConfig{}), newHalfRig(f, rigConfig{ethernet: true})}
	peers := [2]*fuzzPeer{}
	for i, r := range rigs {
		peers[i] = newFuzzPeer(f, r)
		r.a.point(0, OutRef{0, r.a.installOut(0, aggregateSA(0x2000, addrA, addrB))})
	}
	f.Fuzz(func(t *testing.T, way uint8, data []byte) {
		if len(data) == 0 || len(data) > maxFuzz {
			return
		}
		for i, r := range rigs {
			r.t, r.a.t, r.hostA.t, peers[i].t = t, t, t, t
			for range 2 {
				switch way % fuzzWays {
				case fuzzInside:
					r.hostA.send(data)
				case fuzzOutside:
					peers[i].send(data)
				case fuzzPayload:
					peers[i].seal(0, iptfs.NextHeader, r.cfg.link, data)
				case fuzzInner:
					peers[i].seal(1, nextHeader(data), r.cfg.link, data)
				case fuzzInjected:
					for kind := range uint32(len(entrances) + 1) {
						r.a.inject(0, data, uint16(way), kind)
					}
				}
				r.step(1000)
			}
			r.steps(3, 10e6)
			r.hostA.discard()
			peers[i].discard()
			r.a.punted()
			for _, ok := r.a.TakeEvent(0); ok; _, ok = r.a.TakeEvent(0) {
			}
			r.wantPoolsWhole()
		}
	})
}
