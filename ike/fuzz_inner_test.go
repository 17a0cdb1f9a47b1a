package ike

import (
	"testing"
	"time"

	"stillwater/ike/wire"
)

// FuzzInner gives an established IKE SA arbitrary payloads under valid keys, in both exchanges, as requests and as answers.
// Nothing may panic, every request is answered, and the engines come to rest.
func FuzzInner(f *testing.F) {
	for _, ps := range [][]wire.Payload{
		rekeyRequest([]byte{'b', 0, 0, 1}, netA, netB), rekeyRequest([]byte{'a', 0, 0, 1}, netA, netB), ikeRequest(),
		{wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{{'a', 0, 0, 1}}}}, {wire.Delete{Protocol: wire.ProtoIKE}},
		{notify(wire.InvalidSPI, []byte{'b', 0, 0, 1})}, {notify(wire.TemporaryFailure, nil)}, {notify(wire.InvalidKEPayload, []byte{0, 31})},
		{notify(wire.AuthenticationFailed, nil)}, nil,
	} {
		first, b := wire.AppendPayloads(nil, ps)
		for how := range uint8(8) {
			f.Add(uint8(first), how, b)
		}
	}
	f.Fuzz(func(t *testing.T, first, how uint8, b []byte) {
		if len(b) > 2000 {
			return
		}
		ps, err := wire.ParsePayloads(wire.PayloadType(first), b, wire.InnerLimits, true)
		if err != nil {
			return
		}
		kind := create
		if how&1 != 0 {
			kind = inform
		}
		l := newLadder(t, 1, fuzzConfig(addrA), fuzzConfig(addrB))
		l.connect("net")
		busy := []func(l *ladder){func(*ladder) {}, busyRekeyChild, busyRekeyIKE, busyCreateChild}[how>>2&3]
		if how&2 == 0 {
			l.fuzzRequest(kind, busy, ps)
		} else {
			l.fuzzAnswer(busy, ps)
		}
		if n := l.a.e.counters.Panics + l.b.e.counters.Panics; n != 0 {
			t.Fatalf("%d panics: %v %v", n, l.a.events[len(l.a.events)-1], l.b.events[len(l.b.events)-1])
		}
		l.run(time.Hour)
	})
}

func fuzzConfig(own any) Config {
	a, b := pskPair()
	a.Resources, b.Resources = 1, 1
	if own == addrA {
		return Config{Connections: []*Connection{a}, Lcores: 2}
	}
	return Config{Connections: []*Connection{b}, Lcores: 2}
}

// fuzzRequest sends the payloads as a request to an end that is about something.
func (l *ladder) fuzzRequest(kind wire.ExchangeType, busy func(l *ladder), ps []wire.Payload) {
	l.t.Helper()
	l.fate = func(f *flight) fate {
		if f.from == l.b && !f.header.Response() {
			return lose
		}
		return arrive
	}
	busy(l)
	l.settle()
	if l.ask(l.a.sa(), kind, ps...) == nil && l.a.e.counters.Malformed == 0 {
		l.t.Fatalf("no answer\n%s", l.tail(10))
	}
	l.fate = nil
}

// fuzzAnswer sends the payloads in the place of the answer to what an end is about.
func (l *ladder) fuzzAnswer(busy func(l *ladder), ps []wire.Payload) {
	a := l.a.sa()
	l.tamper = func(f *flight) {
		if f.from == l.a && f.header.Response() && a.state != stateClosed {
			if out := a.protect(a.header(f.header.Exchange, f.header.MessageID, true), ps); len(out) == 1 {
				f.d.Data = out[0]
			}
		}
	}
	busy(l)
	l.settle()
	l.tamper = nil
}
