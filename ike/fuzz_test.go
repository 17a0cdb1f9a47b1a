package ike

import (
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// fuzzLadder is a ladder of which so many datagrams have arrived, with all that were sent.
func fuzzLadder(t testing.TB, stage byte) (*ladder, [][]byte) {
	t.Helper()
	l := pskLadderSeeded(t, 1)
	var sent [][]byte
	l.fate = func(f *flight) fate {
		sent = append(sent, slices.Clone(f.d.Data))
		if f.n > int(stage) {
			return hold
		}
		return arrive
	}
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.fate = nil
	return l, sent
}

// pskLadderSeeded is pskLadder with a seed of the caller's.
func pskLadderSeeded(t testing.TB, seed uint64) *ladder {
	t.Helper()
	a, b := pskPair()
	return newLadder(t, seed, Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
}

// FuzzReceive gives engines at every stage of a handshake any octets, and messages with any contents under good keys.
// Nothing panics, nothing is established that nobody has proven, and time still goes on.
func FuzzReceive(f *testing.F) {
	_, sent := fuzzLadder(f, 4)
	for stage := range byte(5) {
		for _, b := range sent {
			f.Add(stage, false, b)
			f.Add(stage, true, b[min(len(b), wire.HeaderLen):])
		}
		f.Add(stage, true, []byte{byte(wire.PayloadDelete), 1, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, stage byte, sealed bool, data []byte) {
		if len(data) > 4096 {
			return
		}
		l, _ := fuzzLadder(t, stage%5)
		for _, x := range []*end{l.a, l.b} {
			for _, b := range x.fuzzed(sealed, data) {
				x.other().receive(x, b)
			}
		}
		l.settle()
		l.run(5 * time.Minute)
		if n := l.a.e.Counters().Panics + l.b.e.Counters().Panics; n != 0 {
			t.Fatalf("%d panics: %v %v", n, l.a.events, l.b.events)
		}
	})
}

// fuzzed is the datagrams made of fuzz data: as they are, or as the contents of messages that x could send next.
func (x *end) fuzzed(sealed bool, data []byte) (out [][]byte) {
	if !sealed {
		return [][]byte{data}
	}
	for _, s := range x.e.all() {
		if s.keys == nil || s.state == stateFailed || len(data) == 0 {
			continue
		}
		for _, exchange := range []wire.ExchangeType{wire.ExchangeAuth, wire.ExchangeCreateChildSA, wire.ExchangeInformational} {
			for _, response := range []bool{false, true} {
				out = append(out, s.sealRaw(exchange, s.requests.next, response, wire.PayloadType(data[0]), data[1:]))
			}
		}
	}
	return out
}

// sealRaw protects octets that need not be payloads.
func (s *ikeSA) sealRaw(exchange wire.ExchangeType, id uint32, response bool, first wire.PayloadType, plain []byte) []byte {
	h := s.header(exchange, id, response)
	h.Next = wire.PayloadSK
	encr, integ := s.outKeys()
	b := newBox(s.suite, encr, integ)
	return b.seal(append(h.Append(nil), byte(first), 0, 0, 0), wire.HeaderLen, plain, s.fillIV(&b))
}
