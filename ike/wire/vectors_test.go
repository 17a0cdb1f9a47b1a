package wire_test

import (
	"bytes"
	"testing"

	"stillwater/ike/wire"
)

// TestKAT004_MessageOfRFC7634 reads the message of RFC 7634 appendix B, as sealed and as its decrypted payload.
func TestKAT004_MessageOfRFC7634(t *testing.T) {
	b := octs(`c0c1c2c3c4c5c6c7 d0d1d2d3d4d5d6d7 2e202500 00000009 00000045 29000029
		1011121314151617 610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2`)
	m, err := wire.Parse(b)
	if err != nil || m.Header != rfcHeaderFields || len(m.Payloads) != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	sk, ok := m.Payloads[0].(wire.SK)
	if !ok || sk.First != wire.PayloadNotify || sk.Offset != 28 || sk.Reserved != 0 || !bytes.Equal(sk.Body, b[32:]) {
		t.Fatalf("%+v", m.Payloads[0])
	}
	if got := m.Append(nil); !bytes.Equal(got, b) {
		t.Errorf("appended %x", got)
	}
	ps, err := wire.ParsePayloads(sk.First, octs("00 00 000c 00 00 4001 0000000a"), wire.InnerLimits, true)
	if err != nil || len(ps) != 1 {
		t.Fatal(ps, err)
	}
	n, ok := ps[0].(wire.Notify)
	if !ok || n.Notify != wire.SetWindowSize || n.Protocol != 0 || n.SPI != nil || !bytes.Equal(n.Data, octs("0000000a")) {
		t.Errorf("%+v", n)
	}
}

// TestKAT006_PayloadsOfRFC5903 reads the KE payloads of RFC 5903 8.1 to 8.3, generic header included.
func TestKAT006_PayloadsOfRFC5903(t *testing.T) {
	for _, v := range []struct {
		method uint16
		octets []byte
	}{
		{19, octs(`00000048 00130000 DAD0B653 94221CF9 B051E1FE CA5787D0 98DFE637 FC90B9EF
			945D0C37 72581180 5271A046 1CDB8252 D61F1C45 6FA3E59A B1F45B33 ACCF5F58 389E0577 B8990BB3`)},
		{20, octs(`00000068 00140000 667842D7 D180AC2C DE6F74F3 7551F557 55C7645C 20EF73E3
			1634FE72 B4C55EE6 DE3AC808 ACB4BDB4 C88732AE E95F41AA 9482ED1F C0EEB9CA
			FC498462 5CCFC23F 65032149 E0E144AD A0241815 35A0F38E EB9FCFF3 C2C947DA
			E69B4C63 4573A81C`)},
		{21, octs(`0000008c 00150000 00D0B397 5AC4B799 F5BEA16D 5E13E9AF 971D5E9B 984C9F39
			728B5E57 39735A21 9B97C356 436ADC6E 95BB0352 F6BE64A6 C2912D4E F2D0433C
			ED2B6171 640012D9 460F015C 68226383 956E3BD0 66E797B6 23C27CE0 EAC2F551
			A10C2C72 4D985207 7B87220B 6536C5C4 08A1D2AE BB8E86D6 78AE49CB 57091F47
			32296579 AB44FCD1 7F0FC56A`)},
	} {
		ps, err := wire.ParsePayloads(wire.PayloadKE, v.octets, wire.InnerLimits, true)
		if err != nil || len(ps) != 1 {
			t.Fatal(ps, err)
		}
		ke, ok := ps[0].(wire.KE)
		if !ok || ke.Method != v.method || !bytes.Equal(ke.Data, v.octets[8:]) {
			t.Errorf("method %d: %+v", v.method, ke)
		}
		if first, got := wire.AppendPayloads(nil, ps); first != wire.PayloadKE || !bytes.Equal(got, v.octets) {
			t.Errorf("method %d: appended %x", v.method, got)
		}
	}
}
