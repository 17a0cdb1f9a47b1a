package ike

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// firstRequest is the IKE_SA_INIT request of a, which is not delivered.
func firstRequest(t *testing.T) (*ladder, []byte) {
	t.Helper()
	l := pskLadder(t, nil)
	l.fate = func(*flight) fate { return hold }
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		t.Fatal(err)
	}
	l.settle()
	return l, l.held[0].d.Data
}

// RFC 7296 3.1: what is no whole message is dropped without an answer.
func TestIKE002_LengthsOfDatagrams(t *testing.T) {
	l, request := firstRequest(t)
	cases := [][]byte{nil, request[:1], request[:27], request[:28], request[:len(request)-1], append(slices.Clone(request), 0)}
	for _, n := range []uint32{0, 1, 27, 1 << 31, uint32(len(request)) + 1} {
		b := slices.Clone(request)
		binary.BigEndian.PutUint32(b[24:], n)
		cases = append(cases, b)
	}
	for _, b := range cases {
		l.b.receive(l.a, b)
	}
	l.settle()
	if got := l.b.e.Counters(); got.Malformed != uint64(len(cases)) || got.SAs != 0 {
		t.Errorf("counted %d malformed datagrams and %d SAs, want %d and none", got.Malformed, got.SAs, len(cases))
	}
	l.expect(1)
}

// HAZ-24: every length below a header's.
func TestHAZ24_ShorterThanAHeader(t *testing.T) {
	l, request := firstRequest(t)
	for n := range wire.HeaderLen {
		l.b.receive(l.a, request[:n])
	}
	l.settle()
	l.expect(1)
}

// RFC 7296 3.1: the initiator's SPI is never zero, the responder's is zero in the first request only.
func TestIKE003_SPIs(t *testing.T) {
	l, request := firstRequest(t)
	noInitiator, withResponder := slices.Clone(request), slices.Clone(request)
	clear(noInitiator[:8])
	withResponder[15] = 1
	l.b.receive(l.a, noInitiator)
	l.b.receive(l.a, withResponder)
	l.settle()
	if n := l.b.e.Counters().SAs; n != 0 {
		t.Errorf("%d SAs from requests with wrong SPIs", n)
	}
	l.expect(1)
}

// RFC 7296 2.5: the minor version means nothing, a higher major one is answered, IKEv1 gets silence.
func TestIKE004_Versions(t *testing.T) {
	l, request := firstRequest(t)
	with := func(v byte) []byte { b := slices.Clone(request); b[17] = v; return b }

	l.b.receive(l.a, with(0x10))
	l.settle()
	l.expect(1)

	l.b.receive(l.a, with(0x30))
	l.settle()
	l.expect(1, "b -> a  IKE_SA_INIT response 0: N(INVALID_MAJOR_VERSION)")
	answer := l.held[1].d.Data
	if answer[17] != 0x20 || !slices.Equal(answer[:16], request[:16]) {
		t.Errorf("the answer has version %#x and SPIs %x, want 0x20 and %x", answer[17], answer[:16], request[:16])
	}
	l.b.receive(l.a, with(0x40))
	l.settle()
	l.expect(2) // LIM-14: one a second and peer

	l.b.receive(l.a, with(0x2F))
	l.settle()
	l.expect(2, "b -> a  IKE_SA_INIT response 0: SA KE Nonce")
}

// RFC 7296 3.1: the I flag says whose SPI is whose; flipped, the message names no SA.
func TestIKE005_InitiatorFlag(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	b := l.a.forge(wire.ExchangeInformational, 2, false)[0]
	b[19] ^= byte(wire.FlagInitiator)
	l.a.inject(b)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: N(INVALID_IKE_SPI)") // IKE-104
	if n := l.b.e.Counters().UnknownSA; n != 1 {
		t.Errorf("%d messages for unknown SAs, want 1", n)
	}
	mark = l.mark()
	l.b.inject(l.b.forge(wire.ExchangeInformational, 0, false)...)
	l.expect(mark, "a -> b  INFORMATIONAL response 0: SK{}")
	if h, _ := wire.ParseHeader(l.b.forge(wire.ExchangeInformational, 1, false)[0]); h.Flags != 0 {
		t.Errorf("flags of a request of the responder are %#x, want none", h.Flags)
	}
}

// RFC 7296 2.21.4: responses are never answered, requests for unknown SAs are, now and then; nobody acts on that answer.
func TestIKE006_ResponsesAreNotAnswered(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	h := wire.Header{SPIi: 1, SPIr: 2, Version: wire.Version, Exchange: wire.ExchangeInformational, Flags: wire.FlagInitiator | wire.FlagResponse}
	response := (&wire.Message{Header: h, Payloads: []wire.Payload{notify(wire.InvalidIKESPI, nil)}}).Append(nil)
	l.a.inject(response)
	l.expect(mark)
}

func TestIKE104_UnknownSPI(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	h := wire.Header{SPIi: 1, SPIr: 2, Version: wire.Version, Exchange: wire.ExchangeInformational, Flags: wire.FlagInitiator, MessageID: 7}
	request := (&wire.Message{Header: h}).Append(nil)
	l.a.inject(request, request)
	l.expect(mark, "b -> a  INFORMATIONAL response 7: N(INVALID_IKE_SPI)")

	l.now += int64(2 * time.Second)
	mark = l.mark()
	l.a.inject(request)
	l.expect(mark, "b -> a  INFORMATIONAL response 7: N(INVALID_IKE_SPI)")
	l.established()
}

// LIM-14: so many unprotected answers in a second, whoever asks.
func TestLIM14_UnprotectedAnswers(t *testing.T) {
	l := pskLadder(t, nil)
	h := wire.Header{SPIi: 1, SPIr: 2, Version: wire.Version, Exchange: wire.ExchangeInformational, Flags: wire.FlagInitiator}
	request := (&wire.Message{Header: h}).Append(nil)
	for i := range 100 {
		from := spoofed(i)
		l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: from, Data: slices.Clone(request)})
	}
	l.settle()
	if l.sent != DefaultLimits.Unprotected {
		t.Errorf("sent %d unprotected answers in a second, want %d", l.sent, DefaultLimits.Unprotected)
	}
}

// IKE-029: nothing without protection ends an SA.
func TestIKE029_UnprotectedMessagesChangeNothing(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	s := l.a.sa()
	for _, n := range []wire.NotifyType{wire.InvalidIKESPI, wire.InvalidSyntax, wire.AuthenticationFailed, wire.InvalidMajorVersion} {
		for _, id := range []uint32{0, 1, 2} {
			for _, x := range []wire.ExchangeType{wire.ExchangeInformational, wire.ExchangeAuth, wire.ExchangeSAInit} {
				h := wire.Header{SPIi: s.spiI, SPIr: s.spiR, Version: wire.Version, Exchange: x, MessageID: id, Flags: wire.FlagResponse}
				l.b.inject((&wire.Message{Header: h, Payloads: []wire.Payload{notify(n, nil)}}).Append(nil))
			}
		}
	}
	l.established()
	l.expect(mark)
}
