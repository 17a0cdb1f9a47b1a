package ike

import (
	"slices"
	"strings"

	"stillwater/ike/wire"
)

// What a hostile or broken peer sends: messages made with an end's own keys, and changes to messages on their way.

// forge makes the datagrams of a protected message of this end's SA, whatever the engine would think of it.
func (x *end) forge(exchange wire.ExchangeType, id uint32, response bool, ps ...wire.Payload) [][]byte {
	x.l.t.Helper()
	s := x.sa()
	return s.protect(s.header(exchange, id, response), ps)
}

// inject gives the other end datagrams as if this one had sent them, and lets both come to rest.
func (x *end) inject(datagrams ...[]byte) {
	x.l.t.Helper()
	for _, b := range datagrams {
		x.other().receive(x, b)
	}
	x.l.settle()
}

// receive gives this end one datagram from the other.
func (x *end) receive(from *end, data []byte) {
	x.e.Receive(x.l.now, Datagram{Local: x.at(portIKE), Remote: from.at(portIKE), Data: slices.Clone(data)})
}

// is reports whether a flight is the message that a logged line describes: "IKE_AUTH request".
func (f *flight) is(what string) bool { return strings.HasPrefix(f.text, what) }

// edit changes the payloads of every message of that description on its way: those in the clear, or those inside, which are
// then sealed again with the sender's keys.
func (l *ladder) edit(what string, change func(ps []wire.Payload) []wire.Payload) {
	l.tamper = func(f *flight) {
		if f.is(what) {
			f.edit(change)
		}
	}
}

func (f *flight) edit(change func(ps []wire.Payload) []wire.Payload) {
	l := f.from.l
	l.t.Helper()
	m, err := wire.Parse(slices.Clone(f.d.Data))
	if err != nil {
		l.t.Fatalf("edit %s: %v", f.text, err)
	}
	sk, protected := m.Payloads[len(m.Payloads)-1].(wire.SK)
	if !protected {
		m.Payloads = change(m.Payloads)
		f.d.Data = m.Append(nil)
		return
	}
	inner, err := f.from.inside(m.Header, f.d.Data, sk)
	if err != nil {
		l.t.Fatalf("edit %s: %v", f.text, err)
	}
	f.seal(change(inner))
}

// seal replaces the contents of a protected message.
func (f *flight) seal(inner []wire.Payload) {
	first, plain := wire.AppendPayloads([]byte{}, inner)
	f.sealOctets(first, plain)
}

// sealOctets replaces the contents by octets that need not be payloads.
func (f *flight) sealOctets(first wire.PayloadType, plain []byte) {
	own := f.header.SPIr
	if f.header.FromInitiator() {
		own = f.header.SPIi
	}
	s := f.from.e.sas[own]
	h := f.header
	h.Next = wire.PayloadSK
	encr, integ := s.outKeys()
	b := newBox(s.suite, encr, integ)
	msg := append(h.Append(nil), byte(first), 0, 0, 0)
	f.d.Data = b.seal(msg, wire.HeaderLen, plain, s.fillIV(&b))
}

// without is the payloads but those of a type; with one more is append.
func without(ps []wire.Payload, t wire.PayloadType) []wire.Payload {
	return slices.DeleteFunc(slices.Clone(ps), func(p wire.Payload) bool { return p.Type() == t })
}

// find is the first of the payloads of type t, as its Go type; false when there is none.
func find[P wire.Payload](ps []wire.Payload, t wire.PayloadType) (p P, ok bool) {
	if i := slices.IndexFunc(ps, func(p wire.Payload) bool { return p.Type() == t }); i >= 0 {
		p, ok = ps[i].(P)
	}
	return p, ok
}

// replace is the payloads with every one of p's Go type replaced by p.
func replace[P wire.Payload](ps []wire.Payload, p P) []wire.Payload {
	out := slices.Clone(ps)
	for i := range out {
		if _, ok := out[i].(P); ok {
			out[i] = p
		}
	}
	return out
}
