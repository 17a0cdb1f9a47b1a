package wire_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"stillwater/ike/wire"
)

// draw makes payloads that a parser accepts, from every type that can be built.
type draw struct{ *rand.Rand }

func (r draw) octets(least, most int) []byte {
	n := least + r.IntN(most-least+1)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (r draw) childSPI() []byte { return append([]byte{1 + byte(r.IntN(255))}, r.octets(3, 3)...) }

func (r draw) proposal(number int) wire.Proposal {
	p := wire.Proposal{Number: uint8(number), Protocol: wire.ProtoESP, SPI: r.childSPI()}
	if r.IntN(2) == 0 {
		p.Protocol, p.SPI = wire.ProtoIKE, nil
	}
	for range 1 + r.IntN(8) {
		t := wire.Transform{Type: wire.TransformType(r.IntN(16)), ID: uint16(r.Uint32())}
		if r.IntN(2) == 0 {
			t.KeyBits = 1 + uint16(r.IntN(65535))
		}
		p.Transforms = append(p.Transforms, t)
	}
	return p
}

func (r draw) sa() (sa wire.SA) {
	for i := range 1 + r.IntN(5) {
		sa.Proposals = append(sa.Proposals, r.proposal(i+1))
	}
	return sa
}

func (r draw) selector() wire.Selector {
	s := wire.Selector{Protocol: uint8(r.IntN(3)), EndPort: 65535}
	n := 4 + 12*r.IntN(2)
	s.First, _ = netip.AddrFromSlice(r.octets(n, n))
	s.Last, _ = netip.AddrFromSlice(r.octets(n, n))
	if s.Last.Less(s.First) {
		s.First, s.Last = s.Last, s.First
	}
	if s.Protocol != 0 {
		s.StartPort, s.EndPort = uint16(r.IntN(100)), uint16(100+r.IntN(100))
	}
	return s
}

func (r draw) ts() wire.TS {
	ts := wire.TS{Responder: r.IntN(2) == 0, Selectors: []wire.Selector{}}
	for range 1 + r.IntN(10) {
		ts.Selectors = append(ts.Selectors, r.selector())
	}
	return ts
}

func (r draw) notify() wire.Notify {
	n := wire.Notify{Notify: wire.NotifyType(r.Uint32()), Data: r.octets(0, 40), Protocol: wire.ProtoAH, SPI: r.childSPI()}
	if n.Notify != wire.RekeySA && n.Notify != wire.ChildSANotFound && r.IntN(2) == 0 {
		n.Protocol, n.SPI = wire.Protocol(r.IntN(256)), nil
	}
	return n
}

func (r draw) delete() wire.Delete {
	d := wire.Delete{Protocol: wire.ProtoIKE}
	if r.IntN(2) == 0 {
		d.Protocol = wire.ProtoESP
		for range 1 + r.IntN(20) {
			d.SPIs = append(d.SPIs, r.childSPI())
		}
	}
	return d
}

func (r draw) cp() wire.CP {
	cp := wire.CP{CfgType: uint8(r.IntN(5))}
	for range 1 + r.IntN(5) {
		cp.Attributes = append(cp.Attributes, wire.CPAttribute{Type: uint16(16 + r.IntN(0x7fff-16)), Value: r.octets(0, 20)})
	}
	return cp
}

func (r draw) payload() wire.Payload {
	switch r.IntN(12) {
	case 0:
		return r.sa()
	case 1:
		return r.ts()
	case 2:
		return r.delete()
	case 3:
		return r.cp()
	case 4:
		return wire.KE{Method: uint16(r.Uint32()), Data: r.octets(0, 200)}
	case 5:
		return wire.Nonce{Data: r.octets(16, 256)}
	case 6:
		return wire.Auth{Method: wire.AuthMethod(r.IntN(256)), Data: r.octets(0, 100)}
	case 7:
		return wire.ID{Responder: r.IntN(2) == 0, IDType: wire.IDKeyID, Reserved: [3]byte(r.octets(3, 3)), Data: r.octets(0, 60)}
	case 8:
		return wire.CertReq{Encoding: wire.CertX509Signature, CAs: [][]byte{r.octets(20, 20), r.octets(20, 20)}}
	case 9:
		return wire.Vendor{Data: r.octets(0, 30)}
	case 10:
		return wire.Unknown{T: wire.PayloadType(128 + r.IntN(128)), Data: r.octets(0, 30)}
	}
	return r.notify()
}

// payloads draws up to n of them.
func (r draw) payloads(n int) []wire.Payload {
	ps := []wire.Payload{}
	for range r.IntN(n + 1) {
		ps = append(ps, r.payload())
	}
	return ps
}

// TestRandomRoundTrip: what is built is what is read, field by field.
func TestRandomRoundTrip(t *testing.T) {
	r := draw{newRand(t)}
	for range 2000 {
		m := wire.Message{Payloads: r.payloads(20), Header: wire.Header{
			SPIi: r.Uint64() | 1, SPIr: r.Uint64(), Version: wire.Version, Exchange: wire.ExchangeType(r.Uint32()),
			Flags: wire.Flags(r.Uint32()), MessageID: r.Uint32(),
		}}
		b := m.Append(nil)
		got, err := wire.Parse(b)
		if err != nil {
			t.Fatalf("%v: %x", err, b)
		}
		m.Header.Next, m.Header.Length = got.Header.Next, uint32(len(b))
		if got.Header != m.Header || !reflect.DeepEqual(got.Payloads, m.Payloads) {
			t.Fatalf("built %+v\nread  %+v", m, got)
		}
	}
}

// TestRandomDamage changes octets of right messages: whatever is still accepted says the same when it is sent again.
func TestRandomDamage(t *testing.T) {
	r := draw{newRand(t)}
	accepted := 0
	for range 20000 {
		m := wire.Message{Header: wire.Header{SPIi: 1, Version: wire.Version}, Payloads: r.payloads(6)}
		b := m.Append(nil)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		if got, err := wire.Parse(b); err == nil {
			accepted++
			checkSame(t, got)
		}
	}
	if accepted == 0 || accepted == 20000 {
		t.Errorf("%d of 20000 accepted: the damage is not of the right size", accepted)
	}
}

// checkSame sends what was parsed again: it has the same length or is shorter, by attributes and selectors that were
// skipped, and parses to the same. A TS payload that had nothing but unknown selectors cannot be sent.
func checkSame(t *testing.T, m *wire.Message) {
	t.Helper()
	lost := false
	for _, p := range m.Payloads {
		lost = lost || loses(p)
	}
	out := m.Append(nil)
	if out == nil || len(out) > len(m.Raw) || !lost && len(out) != len(m.Raw) {
		t.Fatalf("%d octets became %d: %x", len(m.Raw), len(out), m.Raw)
	}
	if lost {
		return
	}
	again, err := wire.Parse(out)
	if err != nil {
		t.Fatalf("%v: %x became %x", err, m.Raw, out)
	}
	if !reflect.DeepEqual(again.Payloads, m.Payloads) || !bytes.Equal(again.Append(nil), out) {
		t.Fatalf("%x became %x", m.Raw, out)
	}
}

// loses reports whether a parsed payload had something that is not kept: bad attributes and unknown selectors.
func loses(p wire.Payload) bool {
	switch p := p.(type) {
	case wire.TS:
		return p.Skipped > 0
	case wire.SA:
		for _, proposal := range p.Proposals {
			for _, t := range proposal.Transforms {
				if t.Bad {
					return true
				}
			}
		}
	}
	return false
}
