package auth

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"stillwater/ike/wire"
)

// TestIKE091_ParseIdentity: identities as strongSwan writes them, and the octets of RFC 7296 3.5 for each.
func TestIKE091_ParseIdentity(t *testing.T) {
	for text, c := range map[string]struct {
		kind wire.IDType
		data string
		back string // what String gives
	}{
		"192.0.2.1":           {wire.IDIPv4, "\xc0\x00\x02\x01", "192.0.2.1"},
		"2001:db8::1":         {wire.IDIPv6, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "2001:db8::1"},
		"ipv6:::ffff:1.2.3.4": {wire.IDIPv6, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04", "::ffff:1.2.3.4"},
		"gw.example.org":      {wire.IDFQDN, "gw.example.org", "gw.example.org"},
		"@gw.example.org":     {wire.IDFQDN, "gw.example.org", "gw.example.org"},
		" moon ":              {wire.IDFQDN, "moon", "moon"},
		"@192.0.2.1":          {wire.IDFQDN, "192.0.2.1", "192.0.2.1"},
		"fqdn:a=b":            {wire.IDFQDN, "a=b", "a=b"},
		"carol@example.org":   {wire.IDRFC822, "carol@example.org", "carol@example.org"},
		"@@carol@example.org": {wire.IDRFC822, "carol@example.org", "carol@example.org"},
		"email:root":          {wire.IDRFC822, "root", "root"},
		"keyid:office 7":      {wire.IDKeyID, "office 7", "keyid:office 7"},
		"keyid:0x00ff":        {wire.IDKeyID, "\x00\xff", "keyid:0x00ff"},
		"@#0aFF":              {wire.IDKeyID, "\x0a\xff", "keyid:0x0aff"},
		"keyid:*":             {wire.IDKeyID, "*", "keyid:*"},

		"asn1dn:CN=a":         {wire.IDDN, dnHex("300c 310a 3008 0603550403 130161"), "CN=a"},
		"CN=Zürich":           {wire.IDDN, dnHex("3012 3110 300e 0603550403 0c07 5ac3bc72696368"), `CN=Z\xc3\xbcrich`},
		`O=Ex\, Inc., E=a@b.`: {wire.IDDN, dnHex("3028 3111 300f 060355040a 1308 45782c20496e632e 3113 3011 06092a864886f70d010901 1604 6140622e"), `O=Ex\, Inc., E=a@b.`},
	} {
		id, err := ParseIdentity(text)
		if err != nil || id.Type != c.kind {
			t.Errorf("%q: %v, %v", text, id, err)
			continue
		}
		if string(id.Data) != c.data {
			t.Errorf("%q: % x, want % x", text, id.Data, c.data)
		}
		if c.back != "" && id.String() != c.back {
			t.Errorf("%q is written %q, want %q", text, id, c.back)
		}
		if err := checkForm(id.Type, id.Data); err != nil {
			t.Errorf("%q: our own form: %v", text, err)
		}
	}
}

// dnHex is hexadecimal with blanks, as a string of octets.
func dnHex(s string) string {
	b, _ := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	return string(b)
}

// TestDNEncoding: order as written, PrintableString where it is enough, UTF8String elsewhere, IA5String for mailboxes and
// domain components (RFC 5280 4.1.2.4, appendix A).
func TestDNEncoding(t *testing.T) {
	want := dnHex("305a" +
		"310b 3009 0603550406 1302 4348" + // C=CH
		"3110 300e 060355040a 0c07 5ac3bc72696368" + // O=Zürich
		"3113 3011 060a0992268993f22c640119 1603 6f7267" + // DC=org
		"3112 3010 06092a864886f70d010901 1603 614062" + // E=a@b
		"3110 300e 0603550403 1307 67772d372e3031") // CN=gw-7.01
	got := ident("C=CH, O=Zürich, DC=org, E=a@b, CN=gw-7.01")
	if string(got.Data) != want {
		t.Errorf("got  % x\nwant % x", got.Data, want)
	}
}

func TestParseIdentityErrors(t *testing.T) {
	for text, word := range map[string]string{
		"":                          "want one identity",
		"%any":                      "want one identity",
		"*":                         "want one identity",
		"*.example.org":             "want one identity",
		"192.0.2.300":               "want an IP address",
		"192.0.2":                   "want an IP address",
		"2001:db8::g":               "want an IP address",
		"fe80::1%eth0":              "without zone",
		"ipv4:2001:db8::1":          "of that family",
		"ipv6:192.0.2.1":            "of that family",
		"keyid:":                    "0 octets",
		"keyid:0xabc":               "odd length",
		"keyid:0xzz":                "invalid byte",
		"CN=":                       "want NAME=value",
		"CN=a, O":                   "want NAME=value",
		"XX=a":                      `"XX" of a distinguished name is unknown`,
		"CN=\xff":                   "not UTF-8",
		"two words":                 "want a name",
		"a\x00b":                    "want a name",
		"@":                         "0 octets",
		strings.Repeat("a", 256):    "256 octets, want 1 to 255",
		strings.Repeat("CN=a,", 40): "want NAME=value",
	} {
		if id, err := ParseIdentity(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, %v, want %q", text, id, err, word)
		}
	}
}

// TestHAZ30_IdentityData: every type with 0 to 64 KiB of data is taken within its limits or refused, and can be printed.
func TestHAZ30_IdentityData(t *testing.T) {
	most := map[wire.IDType][2]int{
		wire.IDIPv4: {4, 4}, wire.IDIPv6: {16, 16}, wire.IDFQDN: {1, 255}, wire.IDRFC822: {1, 255}, wire.IDKeyID: {1, 1024},
	}
	for kind := range 256 {
		kind := wire.IDType(kind)
		for _, n := range []int{0, 1, 3, 4, 5, 15, 16, 17, 255, 256, 1024, 1025, 4096, 4097, 65535} {
			data := bytes.Repeat([]byte{'a'}, n)
			id, err := FromWire(wire.ID{IDType: kind, Data: data})
			limits, known := most[kind]
			if want := known && n >= limits[0] && n <= limits[1]; (err == nil) != want {
				t.Errorf("type %d, %d octets: %v", kind, n, err)
			}
			if err == nil && &id.Data[0] == &data[0] {
				t.Errorf("type %d: the identity aliases the message", kind)
			}
			if text := (Identity{kind, data}).String(); len(text) > 256 {
				t.Errorf("type %d, %d octets: printed with %d", kind, n, len(text))
			}
		}
	}
}

// TestHAZ18_DistinguishedNames: what is no name, or a name that equals too much, is refused.
func TestHAZ18_DistinguishedNames(t *testing.T) {
	for name, text := range map[string]string{
		"empty sequence (RFC 4945 3.1.5)": "3000",
		"not a sequence":                  "0403 616263",
		"trailing octets":                 "300c 310a 3008 0603550403 130161 00",
		"length beyond the data":          "307f 310a 3008 0603550403 130161",
		"indefinite length":               "3080 310a 3008 0603550403 130161 0000",
		"length of 2^32":                  "3084ffffffff",
		"nested":                          strings.Repeat("3080", 40),
		"33 parts":                        "3082018c" + strings.Repeat("310a 3008 0603550403 130161", 33),
	} {
		data := []byte(dnHex(text))
		if _, err := FromWire(wire.ID{IDType: wire.IDDN, Data: data}); err == nil {
			t.Errorf("%s is taken", name)
		}
		if (Identity{wire.IDDN, data}).Equal(ident("CN=a")) {
			t.Errorf("%s equals a name", name)
		}
	}
}

// TestIKE091_Equal: one identity in several spellings, and different ones.
func TestIKE091_Equal(t *testing.T) {
	utf8 := func(text string) Identity { // the same name with every value a UTF8String
		name := pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(text)}}}}
		return Identity{wire.IDDN, must(asn1.Marshal(name))}
	}
	for _, pair := range [][2]Identity{
		{ident("GW.Example.ORG"), ident("gw.example.org")},
		{ident("Carol@Example.org"), ident("carol@example.ORG")},
		{ident("CN=Gate  Way"), utf8("gate way")},
		{ident("C=CH, CN=x"), ident("c=ch,cn=X")},
	} {
		if !pair[0].Equal(pair[1]) || !pair[1].Equal(pair[0]) {
			t.Errorf("%v and %v differ", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]Identity{
		{ident("gw.example.org"), ident("keyid:gw.example.org")},
		{ident("gw.example.org"), ident("email:gw.example.org")},
		{ident("keyid:A"), ident("keyid:a")},
		{ident("C=CH, CN=x"), ident("CN=x, C=CH")},
		{ident("CN=x"), ident("O=x")},
		{ident("CN=x"), ident("CN=x, CN=x")},
		{ident("192.0.2.1"), ident("::ffff:192.0.2.1")},
		{ident("fqdn:K"), {wire.IDFQDN, []byte("\u212a")}}, // the Kelvin sign
		{ident("a"), {}},
	} {
		if pair[0].Equal(pair[1]) {
			t.Errorf("%v equals %v", pair[0], pair[1])
		}
	}
}

// TestLIM18_PeerText: what a peer calls itself cannot forge a log line nor fill the log.
func TestLIM18_PeerText(t *testing.T) {
	for _, id := range []Identity{
		{wire.IDFQDN, []byte("a\nlevel=error msg=\x1b[31mowned\x7f\\\xff")},
		{wire.IDRFC822, bytes.Repeat([]byte{0}, 5000)},
		{wire.IDKeyID, bytes.Repeat([]byte("\r\n"), 3000)},
		{wire.IDKeyID, bytes.Repeat([]byte("x"), 3000)},
		{wire.IDGN, bytes.Repeat([]byte("x"), 3000)},
		ident("CN=" + strings.Repeat("é", 1000)),
	} {
		text := id.String()
		if len(text) > 256 {
			t.Errorf("%d octets: %s", len(text), text)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			t.Errorf("character %q in %q", text[i], text)
		}
	}
	if got, want := (Identity{wire.IDFQDN, []byte("a\n\\")}).String(), `a\x0a\x5c`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestIdentityRoundTrip: what String writes of a name, ParseIdentity reads back as the same identity.
func TestIdentityRoundTrip(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	random := rand.New(rand.NewPCG(s, 0))
	for range 2000 {
		var text strings.Builder
		for i := range 1 + random.IntN(4) {
			if i > 0 {
				text.WriteString(", ")
			}
			text.WriteString(dnName(dnNames[random.IntN(len(dnNames))].oid) + "=")
			for range 1 + random.IntN(8) {
				text.WriteString(string(`abcXYZ019'()+-./:?`[random.IntN(18)]))
			}
		}
		id, err := ParseIdentity(text.String())
		if err != nil || id.String() != text.String() {
			t.Fatalf("-seed %d: %q became %q, %v", s, text.String(), id, err)
		}
		if back, err := ParseIdentity(id.String()); err != nil || !back.Equal(id) {
			t.Fatalf("-seed %d: %q read again: %v, %v", s, text.String(), back, err)
		}
	}
}

// TestIdentityWire: our own payload has RESERVED zero.
func TestIdentityWire(t *testing.T) {
	got := ident("a.test").Wire(true)
	if !got.Responder || !bytes.Equal(got.Body(), []byte("\x02\x00\x00\x00a.test")) {
		t.Errorf("% x", got.Body())
	}
	if id, err := FromWire(got); err != nil || !id.Equal(ident("a.test")) {
		t.Errorf("back: %v, %v", id, err)
	}
}
