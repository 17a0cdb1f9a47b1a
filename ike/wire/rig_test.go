package wire_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stillwater/ike/wire"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRand returns a generator and tells its seed, so that a failure can be repeated with -seed.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return rand.New(rand.NewPCG(s, s))
}

// octs reads hexadecimal digits; white space is for the eye.
func octs(digits ...string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(strings.Join(digits, " ")), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// generic puts a generic payload header with the right length before a body.
func generic(next wire.PayloadType, reserved byte, body []byte) []byte {
	return append([]byte{byte(next), reserved, byte((len(body) + 4) >> 8), byte(len(body) + 4)}, body...)
}

// chained is a body under a type, before the Next Payload fields are known.
type chained struct {
	kind wire.PayloadType
	body []byte
}

// chainOf lays payloads out one after the other and returns the type of the first. It is written from RFC 7296 3.2 and
// shares nothing with the package.
func chainOf(ps ...chained) (first wire.PayloadType, b []byte) {
	for i, p := range ps {
		next := wire.PayloadNone
		if i+1 < len(ps) {
			next = ps[i+1].kind
		}
		b = append(b, generic(next, 0, p.body)...)
	}
	if len(ps) == 0 {
		return 0, nil
	}
	return ps[0].kind, b
}

// datagram puts a header of RFC 7296 3.1 before payloads: an IKE_SA_INIT request.
func datagram(first wire.PayloadType, payloads []byte) []byte {
	b := octs("0102030405060708 0000000000000000", "00 20 22 08", "00000000", "00000000")
	b[16] = byte(first)
	b = append(b, payloads...)
	binary.BigEndian.PutUint32(b[24:], uint32(len(b)))
	return b
}

// parseBody reads one payload with the body given, as if it had been in an Encrypted payload.
func parseBody(kind wire.PayloadType, body []byte) (wire.Payload, error) {
	ps, err := wire.ParsePayloads(kind, generic(wire.PayloadNone, 0, body), wire.InnerLimits, true)
	if err != nil {
		return nil, err
	}
	return ps[0], nil
}

// mustParse is parseBody for bodies that are right.
func mustParse[P wire.Payload](t *testing.T, kind wire.PayloadType, body []byte) P {
	t.Helper()
	p, err := parseBody(kind, body)
	if err != nil {
		t.Fatalf("%v %x: %v", kind, body, err)
	}
	typed, ok := p.(P)
	if !ok {
		t.Fatalf("%v %x: is a %T", kind, body, p)
	}
	return typed
}

// refused checks that err is a *wire.Error that a protected request is answered with notify for.
func refused(t *testing.T, err error, notify wire.NotifyType) *wire.Error {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %v", err, notify)
	}
	if e.Notify != notify {
		t.Fatalf("%v: answered with %v, want %v", err, e.Notify, notify)
	}
	return e
}

// refusedBody checks that a body is INVALID_SYNTAX, and that the error says in which payload.
func refusedBody(t *testing.T, kind wire.PayloadType, body []byte) {
	t.Helper()
	p, err := parseBody(kind, body)
	if err == nil {
		t.Fatalf("%v %x: accepted as %+v", kind, body, p)
	}
	if e := refused(t, err, wire.InvalidSyntax); e.Payload != kind || e.Offset < 4 || e.Offset > 4+len(body) {
		t.Fatalf("%v %x: placed at %v, octet %d", kind, body, e.Payload, e.Offset)
	}
}

// changed returns a copy of b with the octet at position i replaced.
func changed(b []byte, i int, v byte) []byte {
	b = slices.Clone(b)
	b[i] = v
	return b
}

// sample is one payload in both forms: the Go value and the octets, written by hand from the figures of the RFCs.
type sample struct {
	name    string
	payload wire.Payload
	body    []byte
}
