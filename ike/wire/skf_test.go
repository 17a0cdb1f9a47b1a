package wire_test

import (
	"bytes"
	"testing"

	"stillwater/ike/wire"
)

// fragment is a message with an SKF payload, laid out from the figure of RFC 7383 2.5.
func fragment(first wire.PayloadType, body []byte) []byte {
	return datagram(wire.PayloadSKF, generic(first, 0, body))
}

// TestFRG002_Fields: the first inner type is in fragment 1, the others have zero; numbers begin with 1.
func TestFRG002_Fields(t *testing.T) {
	for _, v := range []struct {
		first         wire.PayloadType
		body          []byte
		number, total uint16
	}{
		{wire.PayloadIDi, octs("0001 0003 aabbcc"), 1, 3},
		{wire.PayloadNone, octs("0003 0003 dd"), 3, 3},
		{wire.PayloadNone, octs("0001 0001"), 1, 1},
	} {
		b := fragment(v.first, v.body)
		m, err := wire.Parse(b)
		if err != nil || len(m.Payloads) != 1 {
			t.Fatal(m.Payloads, err)
		}
		f, ok := m.Payloads[0].(wire.SKF)
		if !ok || f.First != v.first || f.Number != v.number || f.Total != v.total || !bytes.Equal(f.Body, v.body[4:]) {
			t.Errorf("%+v", f)
		}
		if f.Offset != 28 || f.Reserved != 0 {
			t.Errorf("offset %d, reserved %#x", f.Offset, f.Reserved)
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("appended %x, want %x", got, b)
		}
	}
}

// TestFRG005_Numbers: zero, a number above the total, and more than 64 fragments (FRG-010, LIM-05) are dropped without an
// answer.
func TestFRG005_Numbers(t *testing.T) {
	for digits, ok := range map[string]bool{
		"0000 0001": false, "0001 0000": false, "0000 0000": false, "0002 0001": false, "ffff 0001": false,
		"0001 0001": true, "0001 0002": true, "0002 0002": true, "0001 0040": true, "0040 0040": true,
		"0001 0041": false, "0041 0041": false, "0001 ffff": false, "ffff ffff": false,
	} {
		_, err := wire.Parse(fragment(0, append(octs(digits), 0xaa)))
		if ok {
			if err != nil {
				t.Errorf("%s: %v", digits, err)
			}
			continue
		}
		if e := refused(t, err, 0); e.Payload != wire.PayloadSKF {
			t.Errorf("%s: placed at %v", digits, e.Payload)
		}
	}
}

// TestHAZ012_ShortFragments: every length below that of the fixed part is dropped, from payload length 0 on.
func TestHAZ012_ShortFragments(t *testing.T) {
	for n := range 4 {
		_, err := wire.Parse(fragment(0, octs("0001 0001")[:n]))
		refused(t, err, 0)
	}
	for length := range byte(8) {
		b := fragment(0, octs("0001 0001 aabbccdd"))
		b[31] = length
		if _, err := wire.Parse(b); err == nil {
			t.Errorf("payload length %d accepted", length)
		}
	}
}

// TestFRG012_EmptyChunk: fragment 1 may have its clear payloads and nothing else; IV and ICV are the decrypter's to miss.
func TestFRG012_EmptyChunk(t *testing.T) {
	b := datagram(wire.PayloadPS, append(generic(wire.PayloadSKF, 0, octs("01020304")), generic(wire.PayloadIDi, 0, octs("0001 0002"))...))
	m, err := wire.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := m.Payloads[1].(wire.SKF)
	if !ok || len(f.Body) != 0 || f.Offset != 28+8 || wire.Count(m.Payloads, wire.PayloadPS) != 1 {
		t.Errorf("%+v", m.Payloads)
	}
}

// TestINT003_ReservedOfSKIsKept: the ICV and RFC 9242 cover the generic header of SK and SKF as it came.
func TestINT003_ReservedOfSKIsKept(t *testing.T) {
	for kind, body := range map[wire.PayloadType][]byte{wire.PayloadSK: octs("aa"), wire.PayloadSKF: octs("0001 0001 aa")} {
		b := datagram(kind, generic(wire.PayloadIDi, 0xff, body))
		m, err := wire.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%v: appended %x, want %x", kind, got, b)
		}
	}
}
