package wire_test

import (
	"testing"

	"stillwater/ike/wire"
)

// sealed is a message with an Encrypted payload, as most are.
func sealed() []byte {
	return datagram(wire.PayloadSK, generic(wire.PayloadIDi, 0, make([]byte, 300)))
}

// TestAllocations: one for the message, one for the list, one per payload, and two more for an SA payload.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates on its own account")
	}
	for name, v := range map[string]struct {
		b    []byte
		want float64
	}{"IKE_SA_INIT": {initRequest(), 2 + 5 + 2}, "SK": {sealed(), 2 + 1}} {
		got := testing.AllocsPerRun(100, func() {
			if _, err := wire.Parse(v.b); err != nil {
				t.Fatal(err)
			}
		})
		if got > v.want {
			t.Errorf("%s: %v allocations, want %v", name, got, v.want)
		}
	}
}

// TestAppendAllocatesNothing but the room for its octets.
func TestAppendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates on its own account")
	}
	m, err := wire.Parse(initRequest())
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 0, 1000)
	if got := testing.AllocsPerRun(100, func() { m.Append(room) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = wire.ParseHeader(m.Raw) }); got != 0 {
		t.Errorf("header: %v allocations", got)
	}
}

// TestLIM001_MemoryIsBounded: octets that promise more than there are cost no memory. Each is refused after at most one
// allocation per payload, and the error.
func TestLIM001_MemoryIsBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates on its own account")
	}
	for kind, body := range map[wire.PayloadType][]byte{
		wire.PayloadSA:     octs("00 00 0008 01 01 00 40"),
		wire.PayloadTSi:    octs("20 000000"),
		wire.PayloadDelete: octs("03 04 0020"),
		wire.PayloadNotify: octs("03 ff 4009"),
		wire.PayloadCP:     octs("01 000000 0001 ffff"),
	} {
		b := generic(0, 0, body)
		got := testing.AllocsPerRun(100, func() {
			if _, err := wire.ParsePayloads(kind, b, wire.InnerLimits, true); err == nil {
				t.Fatalf("%v accepted", kind)
			}
		})
		if got > 3 {
			t.Errorf("%v: %v allocations", kind, got)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, octets := range map[string][]byte{"IKE_SA_INIT": initRequest(), "SK": sealed()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(octets)))
			for b.Loop() {
				if _, err := wire.Parse(octets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	m, err := wire.Parse(initRequest())
	if err != nil {
		b.Fatal(err)
	}
	room := make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		m.Append(room)
	}
}
