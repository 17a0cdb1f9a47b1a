package iptfs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// codecVector is a sub-type 1 header and its octets. The expected octets are computed by hand from RFC 9347 6.1.2.
type codecVector struct {
	name string
	h    Header
	wire string
}

var codecVectors = []codecVector{
	{"TFS-002 basic", Header{BlockOffset: 0x1234}, "00001234"},
	{"TFS-002 basic, no offset", Header{}, "00000000"},
	{"TFS-002 basic, largest offset", Header{BlockOffset: 0xffff}, "0000ffff"},
	{"TFS-004 every field", Header{SubType: 1, E: true, BlockOffset: 600, LossEventRate: 100, RTT: 50000, EchoDelay: 12345,
		TransmitDelay: 1200, TVal: 0x01020304, TEcho: 0xa1b2c3d4}, "0101025800000064030d4006072004b001020304a1b2c3d4"},
	{"TFS-004 all ones", Header{SubType: 1, P: true, E: true, BlockOffset: 0xffff, RTT: MaxRTT, EchoDelay: MaxEchoDelay,
		TransmitDelay: MaxTransmitDelay}, "0103ffff00000000ffffffffffffffff0000000000000000"},
	{"TFS-006 P alone", Header{SubType: 1, P: true}, "010200000000000000000000000000000000000000000000"},
	{"TFS-007 E alone", Header{SubType: 1, E: true}, "010100000000000000000000000000000000000000000000"},
	{"TFS-008 loss event rate", Header{SubType: 1, LossEventRate: math.MaxUint32}, "01000000ffffffff00000000000000000000000000000000"},
	{"TFS-009 RTT of 1", Header{SubType: 1, RTT: 1}, "010000000000000000000400000000000000000000000000"},
	{"TFS-010 echo delay of 1", Header{SubType: 1, EchoDelay: 1}, "010000000000000000000000002000000000000000000000"},
	{"TFS-011 transmit delay of 1", Header{SubType: 1, TransmitDelay: 1}, "010000000000000000000000000000010000000000000000"},
	{"TFS-012 TVal and TEcho", Header{SubType: 1, TVal: 0xfedcba98, TEcho: 0x76543210},
		"01000000000000000000000000000000fedcba9876543210"},
}

func codecHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeaderVectors(t *testing.T) {
	for _, v := range codecVectors {
		t.Run(v.name, func(t *testing.T) {
			wire := codecHex(t, v.wire)
			if got := v.h.Append([]byte{0xaa}); !bytes.Equal(got, append([]byte{0xaa}, wire...)) {
				t.Errorf("Append: got %x, want aa%x", got, wire)
			}
			if v.h.Length() != len(wire) {
				t.Errorf("Length: got %d, want %d", v.h.Length(), len(wire))
			}
			h, n, err := ParseHeader(append(wire, 0x45, 0x00))
			if h != v.h || n != len(wire) || err != nil {
				t.Errorf("ParseHeader: got %+v, %d, %v, want %+v, %d", h, n, err, v.h, len(wire))
			}
		})
	}
}

// Put must not let through what the buffer held before.
func TestHeaderPutOverwrites(t *testing.T) {
	for _, v := range codecVectors {
		wire := codecHex(t, v.wire)
		b := bytes.Repeat([]byte{0xff}, CCHeaderLen+1)
		if n := v.h.Put(b); n != len(wire) || !bytes.Equal(b[:n], wire) || b[n] != 0xff {
			t.Errorf("%s: Put over ones: got %x, %d, want %s and nothing behind", v.name, b, n, v.wire)
		}
	}
}

func TestHeaderShorterPrefixes(t *testing.T) {
	for _, v := range codecVectors {
		wire := codecHex(t, v.wire)
		for n := range wire {
			if _, used, err := ParseHeader(wire[:n]); !errors.Is(err, ErrShort) || used != 0 {
				t.Errorf("%s: %d of %d octets: got %d, %v, want ErrShort", v.name, n, len(wire), used, err)
			}
		}
	}
}

func TestTFS014_UnknownSubTypes(t *testing.T) {
	for sub := 2; sub <= 255; sub++ {
		for _, n := range []int{1, BasicHeaderLen, CCHeaderLen} {
			b := make([]byte, n)
			b[0] = byte(sub)
			_, used, err := ParseHeader(b)
			var unknown ErrSubType
			if !errors.As(err, &unknown) || int(unknown) != sub || used != 0 || !strings.Contains(err.Error(), strconv.Itoa(sub)) {
				t.Fatalf("sub-type %d in %d octets: got %d, %v, want ErrSubType(%d)", sub, n, used, err, sub)
			}
		}
	}
}

// Reserved bits are ignored on receipt: all of them set changes nothing.
func TestReservedBitsIgnored(t *testing.T) {
	t.Run("TFS-003 basic", func(t *testing.T) {
		h, n, err := ParseHeader([]byte{0, 0xff, 0x12, 0x34})
		if (h != Header{BlockOffset: 0x1234}) || n != BasicHeaderLen || err != nil {
			t.Errorf("got %+v, %d, %v", h, n, err)
		}
	})
	t.Run("TFS-005 congestion control", func(t *testing.T) {
		b := codecHex(t, "0101025800000064030d4006072004b001020304a1b2c3d4")
		want, _, _ := ParseHeader(b)
		b[1] |= 0xfc
		if h, _, err := ParseHeader(b); h != want || err != nil {
			t.Errorf("got %+v, %v, want %+v", h, err, want)
		}
	})
}

// TFS-T48: whatever the fields hold, reserved bits leave as zero, and a basic header carries no flag.
func TestTFST48_ReservedBitsSentZero(t *testing.T) {
	r := rand.New(rand.NewPCG(testSeed(t), 0))
	for range 1000 {
		h := codecRandomHeader(r)
		wire := h.Append(nil)
		reserved := byte(0xff)
		if h.SubType == SubTypeCC {
			reserved = 0xfc
		}
		if wire[1]&reserved != 0 {
			t.Fatalf("%+v: octet 1 is %#02x, reserved bits %#02x must be zero", h, wire[1], reserved)
		}
	}
}

func TestTFS009_DelaysClamp(t *testing.T) {
	for _, c := range []struct{ id, in, rtt, echo, transmit uint32 }{
		{9, 0x1ffffe, 0x1ffffe, 0x1ffffe, 0x1ffffe},
		{10, 0x1fffff, 0x1fffff, 0x1fffff, 0x1fffff},
		{11, 0x200000, 0x200000, 0x1fffff, 0x1fffff},
		{9, 0x3ffffe, 0x3ffffe, 0x1fffff, 0x1fffff},
		{9, 0x3fffff, 0x3fffff, 0x1fffff, 0x1fffff},
		{9, 0x400000, 0x3fffff, 0x1fffff, 0x1fffff},
		{9, math.MaxUint32, 0x3fffff, 0x1fffff, 0x1fffff},
	} {
		h := Header{SubType: SubTypeCC, RTT: c.in, EchoDelay: c.in, TransmitDelay: c.in}
		got, _, err := ParseHeader(h.Append(nil))
		if err != nil || got.RTT != c.rtt || got.EchoDelay != c.echo || got.TransmitDelay != c.transmit {
			t.Errorf("TFS-%03d %#x: got %#x, %#x, %#x, %v, want %#x, %#x, %#x", c.id, c.in, got.RTT, got.EchoDelay,
				got.TransmitDelay, err, c.rtt, c.echo, c.transmit)
		}
	}
}

// codecRandomHeader draws fields that survive a round trip: delays within their widths, no flag without sub-type 1.
func codecRandomHeader(r *rand.Rand) Header {
	h := Header{BlockOffset: uint16(r.Uint32())}
	if r.IntN(2) == 0 {
		return h
	}
	h.SubType = SubTypeCC
	h.P, h.E = r.IntN(2) == 0, r.IntN(2) == 0
	h.LossEventRate, h.TVal, h.TEcho = r.Uint32(), r.Uint32(), r.Uint32()
	h.RTT, h.EchoDelay, h.TransmitDelay = r.Uint32()&MaxRTT, r.Uint32()&MaxEchoDelay, r.Uint32()&MaxTransmitDelay
	return h
}

func TestHeaderRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(testSeed(t), 1))
	for range 10000 {
		h := codecRandomHeader(r)
		if got, n, err := ParseHeader(h.Append(nil)); got != h || n != h.Length() || err != nil {
			t.Fatalf("got %+v, %d, %v, want %+v", got, n, err, h)
		}
	}
}

func TestHeaderAllocations(t *testing.T) {
	b := make([]byte, CCHeaderLen)
	for _, v := range codecVectors {
		h := v.h
		if n := testing.AllocsPerRun(100, func() {
			h.Put(b)
			_, _, _ = ParseHeader(b)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", v.name, n)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, v := range codecVectors {
		f.Add(codecHex(f, v.wire))
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{0xff}, CCHeaderLen))
	f.Add([]byte{0, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := ParseHeader(b)
		if err != nil {
			if n != 0 {
				t.Fatalf("%v, but %d octets used", err, n)
			}
			return
		}
		if n > len(b) || n != h.Length() {
			t.Fatalf("%d octets used of %d, Length is %d", n, len(b), h.Length())
		}
		want := bytes.Clone(b[:n])
		want[1] &= flagP | flagE // the rest is reserved
		if h.SubType == SubTypeBasic {
			want[1] = 0
		}
		if got := h.Append(nil); !bytes.Equal(got, want) {
			t.Fatalf("parsed %x, wrote %x, want %x", b[:n], got, want)
		}
	})
}
