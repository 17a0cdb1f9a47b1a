package dataplane

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// modes are the three ways an SA can carry packets.
var modes = map[string]func(spi uint32, from, to addresses) SA{"tunnel": tunnelSA, "aggregate": aggregateSA, "constant": constantSA}

// TestPacketsCrossBothPlanes sends packets of all sizes and both families through each mode and each link, and expects what
// two routers would deliver.
func TestPacketsCrossBothPlanes(t *testing.T) {
	for name, mode := range modes {
		for _, link := range []pmd.Link{pmd.RawIP, pmd.Ethernet} {
			t.Run(name+" "+link.String(), func(t *testing.T) {
				r := newRig(t, rigConfig{ethernet: link == pmd.Ethernet})
				r.connect(mode, 0x1000)
				var want [][]byte
				for i := range 60 {
					src, dst := addrA.host, addrB.host
					if i%3 == 2 {
						src, dst = addrA.host6, addrB.host6
					}
					p := numbered(src, dst, 52+i*22, uint32(i))
					want = append(want, hop(hop(p)))
					r.hostA.send(onLink(link, p))
				}
				r.steps(400, 1e6)
				wantPackets(t, offLink(link, r.hostB.receive()), want)
				wantVerdicts(t, r.a.total(), nil)
			})
		}
	}
}

// onLink gives an IP packet the header of the link.
func onLink(link pmd.Link, ip []byte) []byte {
	if link == pmd.RawIP {
		return ip
	}
	etherType := uint16(0x0800)
	if ip[0]>>4 == 6 {
		etherType = 0x86dd
	}
	return ethernet([6]byte{2, 1}, [6]byte{2, 2}, etherType, ip)
}

func offLink(link pmd.Link, frames [][]byte) [][]byte {
	if link == pmd.Ethernet {
		for i := range frames {
			frames[i] = frames[i][14:]
		}
	}
	return frames
}

func wantPackets(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, expected %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d:\n %x, expected\n %x", i, got[i], want[i])
		}
	}
}

// TestLinkHeader: frames leave with the addresses of port and next hop.
func TestLinkHeader(t *testing.T) {
	r := newRig(t, rigConfig{ethernet: true})
	r.connect(tunnelSA, 0x1000)
	var outer []byte
	r.wire.SetTap(softpmd.A, func(_ softpmd.End, f []byte, _ int64) { outer = bytes.Clone(f) })
	r.hostA.send(onLink(pmd.Ethernet, numbered(addrA.host, addrB.host, 100, 1)))
	r.steps(3, 1e6)
	mac := r.a.ports[outsidePort].Info().MAC
	if want := ethernet([6]byte{2, 0xee, 0, 0, 0, outsidePort}, mac, 0x0800, nil); !bytes.HasPrefix(outer, want) {
		t.Errorf("outside frame starts with %x, expected %x", outer[:min(14, len(outer))], want)
	}
	got := r.hostB.receive()
	if len(got) != 1 || !bytes.HasPrefix(got[0], []byte{2, 0xee, 0, 0, 0, insidePort}) {
		t.Errorf("%d frames at host b, expected one to the address of the neighbour", len(got))
	}
}

// TestTagEndsHere: the 802.1Q tag a packet arrived with does not leave with it.
func TestTagEndsHere(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	peer := r.openPeer()
	r.a.setPolicy(entryTo("10.2.2.0/24", spd.Bypass, 0))
	frame := onLink(pmd.Ethernet, numbered(addrA.host, "10.2.2.1", 80, 1))
	m := r.hostA.pool.Get(len(frame))
	copy(m.Append(len(frame)), frame)
	m.Flags, m.VLAN = m.Flags|mbuf.FlagVLAN, 7
	r.hostA.port.Tx(0).TxBurst(mbuf.Burst{m})
	r.steps(2, 1e6)
	n := peer.port.Rx(0).RxBurst(peer.rx)
	if n != 1 || peer.rx[0].Flags&mbuf.FlagVLAN != 0 {
		t.Errorf("%d frames, the first with flags %b, expected one without a tag", n, peer.rx[0].Flags)
	}
	peer.pool.Free(peer.rx[:n])
}

// entryTo is an SPD entry by remote prefix.
func entryTo(prefix string, a spd.Action, tunnel uint32) spd.Entry {
	return spd.Entry{Action: a, Tunnel: tunnel, Selectors: []spd.Selector{{Remote: ranges(prefix)}}}
}

func (n *node) setPolicy(entries ...spd.Entry) {
	n.t.Helper()
	db, err := spd.New(entries)
	must(n.t, err)
	n.gen.Policy = db
	n.publish()
}

// TestSPD010_OutboundPolicy: protect, bypass, discard, no entry, and protect without an SA.
func TestSPD010_OutboundPolicy(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	r.a.setPolicy(entryTo("10.2.1.0/24", spd.Discard, 0), entryTo("10.2.2.0/24", spd.Bypass, 0), entryTo(addrB.net, spd.Protect, 0))
	clear := numbered(addrA.host, "10.2.2.1", 80, 1)
	r.hostA.send(
		numbered(addrA.host, "10.2.1.1", 80, 0), // discard
		clear,
		numbered(addrA.host, "10.2.3.1", 80, 2),    // protect, no SA
		numbered(addrA.host, "203.0.113.1", 80, 3), // no entry
		numbered(addrA.host, "10.1.0.1", 80, 4),    // the appliance itself
	)
	r.steps(2, 1e6)
	wantPackets(t, peer.receive(), [][]byte{hop(clear)})
	c := r.a.total()
	wantVerdicts(t, c, map[mbuf.Verdict]uint64{mbuf.PolicyDiscard: 1, mbuf.NoSA: 1, mbuf.NoPolicy: 1, mbuf.Punted: 1})
	if c.InsideRx != 5 || c.OutsideTx != 1 || c.InsideRxOctets != 400 {
		t.Errorf("counters %+v", c)
	}
	var acquired []Event
	for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
		if e.Kind == EventAcquire {
			acquired = append(acquired, e)
		}
	}
	if len(acquired) != 1 || acquired[0].Child != 0 || acquired[0].Lcore != 0 {
		t.Errorf("acquire events %+v, expected one for child 0", acquired)
	}
}

// TestSPD031_InboundClearTraffic: what comes from outside in the clear and is not for the appliance needs a BYPASS entry.
func TestSPD031_InboundClearTraffic(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0), entryTo("198.51.100.0/24", spd.Discard, 0), entryTo(addrB.net, spd.Protect, 0))
	good := numbered("203.0.113.7", addrA.host, 90, 1)
	peer.send(
		good,
		numbered("198.51.100.7", addrA.host, 90, 2), // discard
		numbered(addrB.host, addrA.host, 90, 3),     // should have come through the tunnel
		numbered("192.0.2.99", addrA.host, 90, 4),   // no entry
		numbered("203.0.113.7", "100.64.0.1", 90, 5),
	)
	r.steps(2, 1e6)
	wantPackets(t, r.hostA.receive(), [][]byte{hop(good)})
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.PolicyDiscard: 2, mbuf.NoPolicy: 1, mbuf.NoRoute: 1})
}

// TestSPD060_SelectorMismatch: an inner packet outside of the SA's selectors is dropped and reported, in a plain tunnel and
// among others in one AGGFRAG payload (TFS-077, TFS-T25).
func TestSPD060_SelectorMismatch(t *testing.T) {
	for name, mode := range modes {
		t.Run("TFS-077 "+name, func(t *testing.T) {
			r := newRig(t, rigConfig{})
			r.connect(mode, 0x1000)
			r.a.setPolicy(spd.Entry{Action: spd.Protect, Selectors: []spd.Selector{{}}}) // a sends what b must not take
			good1, good2 := numbered(addrA.host, addrB.host, 100, 1), numbered(addrA.host, addrB.host, 100, 3)
			r.hostA.send(good1, numbered("10.9.0.1", addrB.host, 100, 2), good2)
			before := r.b.total().Opened
			r.steps(4, 1e6)
			wantPackets(t, r.hostB.receive(), [][]byte{hop(hop(good1)), hop(hop(good2))})
			c := r.b.total()
			if c.Verdicts[mbuf.SelectorMismatch] != 1 {
				t.Errorf("%d mismatches, expected 1", c.Verdicts[mbuf.SelectorMismatch])
			}
			if name == "aggregate" && c.Opened-before != 1 {
				t.Errorf("%d payloads, expected all three packets in one", c.Opened-before)
			}
			if e, ok := r.b.TakeEvent(0); !ok || e.Kind != EventDrop || mbuf.Verdict(e.Verdict) != mbuf.SelectorMismatch || e.SPI != 0x1000 {
				t.Errorf("event %+v, expected the mismatch on SPI 0x1000", e)
			}
		})
	}
}

// TestSPD022_TTL: 0 and 1 are not forwarded into a tunnel, 2 is, and the other end forwards once more (SPD-T02).
func TestSPD022_TTL(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(tunnelSA, 0x1000)
	var want [][]byte
	for ttl := range uint8(4) {
		p4, p6 := numbered(addrA.host, addrB.host, 60, uint32(ttl)), numbered(addrA.host6, addrB.host6, 60, 100+uint32(ttl))
		p4[8], p6[7] = ttl, ttl
		checksum4(p4)
		r.hostA.send(p4, p6)
		if ttl == 3 {
			want = append(want, hop(hop(p4)), hop(hop(p6)))
		}
	}
	r.steps(3, 1e6)
	wantPackets(t, r.hostB.receive(), want)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.TTLExceeded: 4}) // 0 and 1
	wantVerdicts(t, r.b.total(), map[mbuf.Verdict]uint64{mbuf.TTLExceeded: 2}) // 2, which arrives as 1
}

// TestESP020_UnknownSPI: ESP without an SA is dropped and told to control with what an audit record needs.
func TestESP020_UnknownSPI(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	for spi, want := range map[uint32]mbuf.Verdict{0x7654321: mbuf.UnknownSPI, 0x80000000: mbuf.UnknownSPI, 1: mbuf.BadSPI, 255: mbuf.BadSPI, 0: mbuf.BadSPI} {
		e := slices.Concat(be(spi), make([]byte, 44))
		before := r.a.total()
		peer.send(header4(addrB.outer, addrA.outer, 50, 64, e))
		r.steps(2, 2e6)
		c := r.a.total()
		if c.Verdicts[want]-before.Verdicts[want] != 1 || c.OutsideRx-before.OutsideRx != 1 {
			t.Errorf("SPI %#x: %v", spi, c.Drops())
		}
		if ev, ok := r.a.TakeEvent(0); !ok || ev.Kind != EventDrop || mbuf.Verdict(ev.Verdict) != want || ev.SPI != spi || ev.Count != 1 || ev.Time == 0 {
			t.Errorf("SPI %#x: event %+v", spi, ev)
		}
	}
}

func be(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }

// TestESP018_OuterFragment: fragments of ESP are dropped, counted and reported.
func TestESP018_OuterFragment(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	peer.send(patch(header4(addrB.outer, addrA.outer, 50, 64, espOctets), 6, 0x20, 0))
	r.steps(2, 1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.OuterFragment: 1})
	if e, ok := r.a.TakeEvent(0); !ok || mbuf.Verdict(e.Verdict) != mbuf.OuterFragment {
		t.Errorf("event %+v, expected the fragment", e)
	}
}

// TestUDP005_KeepaliveIsSilent: a NAT keepalive ends here and is no drop.
func TestUDP005_KeepaliveIsSilent(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	peer.send(header4(addrB.outer, addrA.outer, 17, 64, udp(4500, 4500, []byte{0xff})))
	r.steps(2, 1e6)
	c := r.a.total()
	wantVerdicts(t, c, map[mbuf.Verdict]uint64{mbuf.Keepalive: 1})
	if len(c.Drops()) != 0 {
		t.Errorf("drops %v, expected none", c.Drops())
	}
}

// TestHubAndSpoke: what comes out of one tunnel goes into another, by policy and route, in every pairing of modes.
func TestHubAndSpoke(t *testing.T) {
	for nameIn, in := range modes {
		for nameOut, out := range modes {
			t.Run(nameIn+" to "+nameOut, func(t *testing.T) {
				r := newRig(t, rigConfig{})
				r.connect(in, 0x1000)
				spoke := addresses{outer: addrA.outer, outer6: addrA.outer6}
				r.hub(out(0x2000, addrB, spoke))
				var want [][]byte
				for i := range 10 {
					p := numbered(addrA.host, "203.0.113.9", 200+i*100, uint32(i))
					want = append(want, hop(hop(hop(p))))
					r.hostA.send(p)
				}
				r.steps(60, 1e6)
				wantPackets(t, r.hostA.receive(), want)
			})
		}
	}
}

// hub makes b send what it gets for 203.0.113.0/24 into a second tunnel, which ends at a, whose network that is now.
func (r *rig) hub(sa SA) {
	r.t.Helper()
	any, err := spd.NewSelectors([]spd.Selector{{}})
	must(r.t, err)
	r.b.gen.Children[0].Selectors = any
	r.b.gen.Children = append(slices.Clone(r.b.gen.Children), r.b.gen.Children[0])
	r.b.setPolicy(entryTo("203.0.113.0/24", spd.Protect, 1))
	r.a.gen.Children[0].Selectors = any
	r.a.setPolicy(spd.Entry{Action: spd.Protect, Selectors: []spd.Selector{{Remote: ranges("203.0.113.0/24")}}})
	r.a.gen.Routes, err = spd.NewRoutes([]spd.Route{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Port: insidePort}}, nil, []spd.Egress{{Raw: true, MTU: 1500}})
	must(r.t, err)
	r.a.publish()
	r.a.installIn(r.a.owner(sa.SPI), sa)
	slot := r.b.do(Command{Op: InstallOutbound, Child: 1, SA: sa}).Slot
	r.b.point(1, OutRef{0, slot})
}
