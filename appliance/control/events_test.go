package control

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/ike"
	"stillwater/pmd/mbuf"
)

// flow is what lcores tell of a packet.
func flow(src, dst string, protocol uint8) dataplane.Flow {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return dataplane.Flow{
		Src: dataplane.AddrFrom(s.Addr()), Dst: dataplane.AddrFrom(d.Addr()), SrcPort: s.Port(), DstPort: d.Port(), Proto: protocol, HasPorts: true,
	}
}

// TestEvents: what lcores tell reaches the engine with the names that it knows.
func TestEvents(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	p := r.newSA(1, true)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, p)
	index, slot := r.bundles[1].index, r.pairs[p.SPIIn].out.slot
	packet := flow("10.1.0.9:1000", "10.2.0.9:80", 6)
	outer := flow("198.51.100.7:4501", "192.0.2.1:4500", 17)
	const forPacket = "for 6 10.1.0.9:1000 10.2.0.9:80"
	for name, c := range map[string]struct {
		event dataplane.Event
		want  string // empty: nothing
	}{
		"acquire of a trap":       {dataplane.Event{Kind: dataplane.EventAcquire, Child: r.trapIndex(0), Flow: packet}, "acquire peers net " + forPacket},
		"acquire of a bundle":     {dataplane.Event{Kind: dataplane.EventAcquire, Child: index}, "acquire peers net for no packet"},
		"acquire of nobody":       {dataplane.Event{Kind: dataplane.EventAcquire, Child: 99}, ""},
		"resource":                {dataplane.Event{Kind: dataplane.EventResource, Child: index, Lcore: 1, Flow: packet}, "resource 1 1 " + forPacket},
		"resource of a trap":      {dataplane.Event{Kind: dataplane.EventResource, Child: r.trapIndex(0)}, ""},
		"IKE-132 soft, inbound":   {limit(esp.SoftOctets, true, 1, 0, p.SPIIn), fmt.Sprintf("limit %x false", p.SPIIn)},
		"IKE-132 soft, outbound":  {limit(esp.SoftPackets, false, 1, slot, p.SPIOut), fmt.Sprintf("limit %x false", p.SPIIn)},
		"hard":                    {limit(esp.HardOctets, false, 1, slot, p.SPIOut), fmt.Sprintf("limit %x true", p.SPIIn)},
		"hard, sequence number":   {limit(esp.HardSeq, false, 1, slot, p.SPIOut), fmt.Sprintf("limit %x true", p.SPIIn)},
		"limit of who sat there":  {limit(esp.SoftPackets, false, 1, slot, p.SPIOut+1), ""},
		"limit of an empty seat":  {limit(esp.SoftPackets, false, 0, slot, p.SPIOut), ""},
		"IKE-164 moved":           {dataplane.Event{Kind: dataplane.EventMoved, SPI: p.SPIIn, Flow: outer}, fmt.Sprintf("moved %x 198.51.100.7:4501", p.SPIIn)},
		"moved, gone since":       {dataplane.Event{Kind: dataplane.EventMoved, SPI: p.SPIIn + 1, Flow: outer}, ""},
		"IKE-142 unknown SPI":     {drop(mbuf.UnknownSPI, 0xabc, outer), "unknown 192.0.2.1:4500 198.51.100.7:4501 abc"},
		"unknown SPI, from where": {drop(mbuf.UnknownSPI, 0xabc, dataplane.Flow{}), ""},
		"replayed":                {drop(mbuf.Replayed, p.SPIIn, outer), ""},
		"panic":                   {dataplane.Event{Kind: dataplane.EventPanic, Lcore: 1}, ""}, // the data plane's word counts
	} {
		r.fake.calls = nil
		r.react(r.time.Load(), &c.event)
		if got := strings.Join(r.fake.calls, "; "); got != c.want {
			t.Errorf("%s: the engine was told %q, expected %q", name, got, c.want)
		}
	}
}

func limit(kind esp.EventKind, inbound bool, lcore uint8, slot, spi uint32) dataplane.Event {
	return dataplane.Event{Kind: dataplane.EventLimit, Inbound: inbound, Lcore: lcore, Slot: slot, SPI: spi, Limit: esp.Event{Kind: kind}}
}

func drop(v mbuf.Verdict, spi uint32, f dataplane.Flow) dataplane.Event {
	return dataplane.Event{Kind: dataplane.EventDrop, Verdict: uint8(v), SPI: spi, Count: 3, Flow: f}
}

// TestEventsOfPackets: a packet with an unknown SPI on the wire and one without an SA inside end with the engine.
func TestEventsOfPackets(t *testing.T) {
	r := newRig(t, rigConfig{text: strings.Replace(strings.Replace(onDemand, `"%any"`, `"192.0.2.2"`, 1), `"none"`, `"trap"`, 1)})
	r.send(outsidePort, ipv4("192.0.2.9", "192.0.2.1", 50, 0, 0, 0x10, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
	r.sendInside("10.1.0.9", "10.2.0.9")
	r.settle()
	slices.Sort(r.fake.calls)
	want := []string{"acquire peers net for 253 10.1.0.9:0 10.2.0.9:0", "unknown 192.0.2.1:0 192.0.2.9:0 1001"}
	if !slices.Equal(r.fake.calls, want) {
		t.Errorf("got %q, expected %q", r.fake.calls, want)
	}
	if r.event("acquire") != 1 || r.event("drop:unknown_spi") != 1 {
		events, _, _ := r.Counts()
		t.Errorf("counted %v", events)
	}
}

// TestLogOfDrops: the first drop of a kind is a line, the rest are counted.
func TestLogOfDrops(t *testing.T) {
	var text bytes.Buffer
	r := newRig(t, rigConfig{log: slog.New(slog.NewTextHandler(&text, nil))})
	for range 3 {
		e := drop(mbuf.Replayed, 0x1000, flow("198.51.100.7:4501", "192.0.2.1:4500", 17))
		r.record(&e)
	}
	if n := strings.Count(text.String(), "packet dropped"); n != 1 || !strings.Contains(text.String(), "198.51.100.7") || r.event("drop:"+mbuf.Replayed.String()) != 9 {
		t.Errorf("%d lines, counted %d:\n%s", n, r.event("drop:"+mbuf.Replayed.String()), &text)
	}
}

// TestEngineEvents: what the engine tells becomes a line with its names; a failed negotiation says everything it knows.
func TestEngineEvents(t *testing.T) {
	var text bytes.Buffer
	r := newRig(t, rigConfig{log: slog.New(slog.NewTextHandler(&text, nil))})
	r.fake.effects.Events = []ike.Event{
		{Kind: ike.EventEstablished, Connection: "a", SPIi: 1, SPIr: 2}, {Kind: ike.EventChildUp, Connection: "b", Child: "c", SPIIn: 0x1000},
		{Kind: ike.EventRekeyed, Connection: "d"}, {Kind: ike.EventChildDown, Connection: "e"}, {Kind: ike.EventDown, Connection: "f", Text: "why"},
		{Kind: ike.EventNote, Connection: "g"}, {Kind: ike.EventFailed},
		{Kind: ike.EventFailed, Failure: &ike.Failure{Connection: "h", Stage: "IKE_AUTH", Reason: "r", Notify: 24, FromPeer: true, Offered: "o", Configured: "k", Key: "psk_file"}},
	}
	r.step()
	for _, want := range []string{
		`msg="connection authenticated" connection=a ike_spi=0000000000000001_0000000000000002`, `msg="child up" connection=b child=c spi_in=0x00001000`,
		`msg=rekeyed connection=d`, `msg="child down" connection=e`, `msg="connection down" connection=f detail=why`, `msg=note connection=g`,
		`msg="negotiation failed" connection=h`, `stage=IKE_AUTH reason=r notify=AUTHENTICATION_FAILED from_peer=true offered=o configured=k change=psk_file`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if _, _, rekeys := r.Counts(); rekeys != 1 {
		t.Errorf("%d rekeys counted", rekeys)
	}
}
