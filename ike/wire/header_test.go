package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"stillwater/ike/wire"
)

// rfcHeader is the header of the message in RFC 7634 appendix B.
var rfcHeader = octs("c0c1c2c3c4c5c6c7 d0d1d2d3d4d5d6d7 2e 20 25 00 00000009 00000045")

var rfcHeaderFields = wire.Header{
	SPIi: 0xc0c1c2c3c4c5c6c7, SPIr: 0xd0d1d2d3d4d5d6d7, Next: wire.PayloadSK, Version: 0x20,
	Exchange: wire.ExchangeInformational, MessageID: 9, Length: 69,
}

func TestHeaderFields(t *testing.T) {
	h, err := wire.ParseHeader(append(bytes.Clone(rfcHeader), make([]byte, 41)...))
	if err != nil || h != rfcHeaderFields {
		t.Fatalf("%+v, %v", h, err)
	}
	if got := h.Append([]byte{0xee}); !bytes.Equal(got[1:], rfcHeader) || got[0] != 0xee {
		t.Fatalf("appended %x", got)
	}
}

// TestIKE002_Lengths: a datagram that is not as long as its header says is dropped.
func TestIKE002_Lengths(t *testing.T) {
	whole := datagram(0, bytes.Repeat([]byte{0}, 36))
	for n := range wire.HeaderLen { // HAZ-24: no reply can be made of these
		_, err := wire.ParseHeader(whole[:n])
		refused(t, err, 0)
	}
	for _, length := range []uint32{0, 1, 27, 28, 63, 65, 1 << 31, 1<<32 - 1} {
		b := bytes.Clone(whole)
		binary.BigEndian.PutUint32(b[24:], length)
		_, err := wire.ParseHeader(b)
		if e := refused(t, err, 0); e.Offset != 24 {
			t.Errorf("length %d: error at octet %d", length, e.Offset)
		}
		if _, err := wire.Parse(b); err == nil {
			t.Errorf("length %d: parsed", length)
		}
	}
	if _, err := wire.ParseHeader(whole); err != nil {
		t.Error(err)
	}
}

// TestIKE001_LongMessages: 1280 octets are a must, 3000 a should; 65535 pass.
func TestIKE001_LongMessages(t *testing.T) {
	for _, n := range []int{1280, 3000, 65535} {
		b := datagram(chainOf(chained{wire.PayloadVendor, make([]byte, n-wire.HeaderLen-4)}))
		m, err := wire.Parse(b)
		if err != nil || len(b) != n || !bytes.Equal(m.Append(nil), b) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

// TestIKE003_SPIs: the initiator's is never zero; what the responder's may be depends on the exchange.
func TestIKE003_SPIs(t *testing.T) {
	b := datagram(0, nil)
	if _, err := wire.ParseHeader(b); err != nil {
		t.Fatal(err)
	}
	clear(b[:8])
	_, err := wire.ParseHeader(b)
	refused(t, err, 0)
	copy(b[8:], octs("0000000000000001"))
	_, err = wire.ParseHeader(b)
	refused(t, err, 0)
}

// TestIKE004_Versions: the header of every version is read; of messages only major 2 is, whatever the minor.
func TestIKE004_Versions(t *testing.T) {
	for version := range 256 {
		b := datagram(0, nil)
		b[17] = byte(version)
		h, err := wire.ParseHeader(b)
		if err != nil || h.Major() != uint8(version/16) || h.Version != uint8(version) {
			t.Fatalf("version %#x: major %d, %v", version, h.Major(), err)
		}
		_, err = wire.Parse(b)
		switch {
		case version < 0x20:
			refused(t, err, 0)
		case version > 0x2f:
			refused(t, err, wire.InvalidMajorVersion)
		case err != nil:
			t.Errorf("version %#x: %v", version, err)
		}
	}
	if wire.Version != 0x20 {
		t.Errorf("version %#x is sent", wire.Version)
	}
}

// TestIKE005_Flags: I and R are read on their own; V and the other bits change nothing.
func TestIKE005_Flags(t *testing.T) {
	for flags := range 256 {
		b := datagram(0, nil)
		b[19] = byte(flags)
		m, err := wire.Parse(b)
		if err != nil {
			t.Fatalf("flags %#x: %v", flags, err)
		}
		if m.Header.FromInitiator() != (flags&0x08 != 0) || m.Header.Response() != (flags&0x20 != 0) {
			t.Errorf("flags %#x: initiator %v, response %v", flags, m.Header.FromInitiator(), m.Header.Response())
		}
	}
}

func TestPatchLength(t *testing.T) {
	b := make([]byte, 0x12345)
	copy(b, rfcHeader)
	wire.PatchLength(b)
	if got := b[:wire.HeaderLen]; !bytes.Equal(got, append(bytes.Clone(rfcHeader[:24]), 0, 1, 0x23, 0x45)) {
		t.Errorf("header %x", got)
	}
}
