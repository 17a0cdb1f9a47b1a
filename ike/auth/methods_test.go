package auth

import (
	"bytes"
	"reflect"
	"testing"

	scheme "stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// TestAUA001_Entries: 2 octets for secrets, 3 for older signatures, more for method 14.
func TestAUA001_Entries(t *testing.T) {
	ed := scheme.Ed25519.AlgorithmIdentifier()
	list := []Announcement{
		{Method: wire.AuthPSK},
		{Method: wire.AuthNull},
		{Method: wire.AuthECDSA256, CertLink: 2},
		{Method: wire.AuthSignature, CertLink: 1, Algorithm: ed},
	}
	data := AppendMethods([]byte{0xee}, list)
	want := append([]byte{0xee, 2, 2, 2, 13, 3, 9, 2, 10, 14, 1}, ed...)
	if !bytes.Equal(data, want) {
		t.Fatalf("% x, want % x", data, want)
	}
	got := ParseMethods(data[1:])
	if len(got) != 4 || got[1].Method != wire.AuthNull || got[2].CertLink != 2 || !bytes.Equal(got[3].Algorithm, ed) {
		t.Errorf("read back %v", got)
	}
	if again := AppendMethods([]byte{0xee}, got); !bytes.Equal(again, want) {
		t.Errorf("written again % x", again)
	}
	if data := AppendMethods(nil, []Announcement{{Method: wire.AuthSignature, Algorithm: make([]byte, 253)}}); len(data) != 0 {
		t.Errorf("an algorithm too long for its length octet: %d octets", len(data))
	}
}

// TestAUA002_MalformedLengths: 0, 1 and beyond the data end the list without a loop; what came before is kept (HAZ-22).
func TestAUA002_MalformedLengths(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want int
	}{
		"empty":                {nil, 0},
		"one octet":            {[]byte{2}, 0},
		"length 0":             {[]byte{0, 2, 2, 2}, 0},
		"length 1":             {[]byte{1, 2, 2, 2}, 0},
		"good, length 0":       {[]byte{2, 2, 0, 0, 0}, 1},
		"good, length 1":       {[]byte{2, 2, 1, 1}, 1},
		"beyond":               {[]byte{2, 2, 5, 14, 0, 1}, 1},
		"unknown method":       {[]byte{2, 99, 3, 98, 1}, 2},
		"more than are kept":   {bytes.Repeat([]byte{2, 2}, 1000), 64},
		"method 14 without it": {[]byte{3, 14, 0}, 1},
	} {
		if got := ParseMethods(c.data); len(got) != c.want {
			t.Errorf("%s: %d entries, want %d: %v", name, len(got), c.want, got)
		}
	}
}

// TestAUA001_Copies: the list does not alias the message.
func TestAUA001_Copies(t *testing.T) {
	data := []byte{5, 14, 1, 0x30, 0x00}
	got := ParseMethods(data)
	clear(data)
	if want := []Announcement{{Method: wire.AuthSignature, CertLink: 1, Algorithm: []byte{0x30, 0}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
