package auth

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxRDNs bounds the parts of a distinguished name.
const maxRDNs = 32

// dnNames are the attribute types that can be written in a configuration, by RFC 4514 3 and what strongSwan adds; the first
// name of a type is the one printed.
var dnNames = []struct {
	name string
	oid  asn1.ObjectIdentifier
	tag  int // string type to encode with; 0: PrintableString where the value allows, else UTF8String (RFC 5280 4.1.2.4)
}{
	{"C", asn1.ObjectIdentifier{2, 5, 4, 6}, asn1.TagPrintableString},
	{"ST", asn1.ObjectIdentifier{2, 5, 4, 8}, 0},
	{"L", asn1.ObjectIdentifier{2, 5, 4, 7}, 0},
	{"STREET", asn1.ObjectIdentifier{2, 5, 4, 9}, 0},
	{"O", asn1.ObjectIdentifier{2, 5, 4, 10}, 0},
	{"OU", asn1.ObjectIdentifier{2, 5, 4, 11}, 0},
	{"CN", asn1.ObjectIdentifier{2, 5, 4, 3}, 0},
	{"SN", asn1.ObjectIdentifier{2, 5, 4, 5}, asn1.TagPrintableString},
	{"serialNumber", asn1.ObjectIdentifier{2, 5, 4, 5}, asn1.TagPrintableString},
	{"S", asn1.ObjectIdentifier{2, 5, 4, 4}, 0},
	{"G", asn1.ObjectIdentifier{2, 5, 4, 42}, 0},
	{"I", asn1.ObjectIdentifier{2, 5, 4, 43}, 0},
	{"T", asn1.ObjectIdentifier{2, 5, 4, 12}, 0},
	{"DC", asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}, asn1.TagIA5String},
	{"UID", asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, 0},
	{"E", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, asn1.TagIA5String},
	{"emailAddress", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, asn1.TagIA5String},
}

// parseDN decodes a Name (RFC 5280 4.1.2.4) of at most maxDN octets with the standard library. An empty one is refused: it
// would equal the subject of every certificate that has only alternative names (RFC 4945 3.1.5).
func parseDN(der []byte) (pkix.RDNSequence, error) {
	if len(der) > maxDN {
		return nil, fmt.Errorf("distinguished name of %d octets, want %d at most", len(der), maxDN)
	}
	var rdns pkix.RDNSequence
	rest, err := asn1.Unmarshal(der, &rdns)
	if err != nil || len(rest) != 0 {
		return nil, errors.New("distinguished name is not DER")
	}
	if len(rdns) == 0 || len(rdns) > maxRDNs {
		return nil, fmt.Errorf("distinguished name of %d parts, want 1 to %d", len(rdns), maxRDNs)
	}
	return rdns, nil
}

// canonicalDN is the map key of a name: every part with the length in front, values folded. A name with a value that is no
// string stays as it is encoded, and so does one that cannot be decoded.
func canonicalDN(der []byte) string {
	rdns, err := parseDN(der)
	if err != nil {
		return undecoded(der)
	}
	var key strings.Builder
	for _, set := range rdns {
		fmt.Fprintf(&key, "%d;", len(set))
		for _, a := range set {
			value, ok := a.Value.(string)
			if !ok {
				return undecoded(der)
			}
			value = fold(value)
			fmt.Fprintf(&key, "%v=%d:%s", a.Type, len(value), value)
		}
	}
	return key.String()
}

// undecoded is the key of a name that stays as it is; no canonical one begins with a letter.
func undecoded(der []byte) string { return "der:" + string(der) }

// fold is a value as RFC 5280 7.1 compares it, near enough: case and the number of blanks do not count.
func fold(value string) string { return strings.ToLower(strings.Join(strings.Fields(value), " ")) }

// formatDN writes a name in the order it is encoded in, as strongSwan does: "C=CH, O=Example, CN=gw". Values are escaped.
func formatDN(rdns pkix.RDNSequence) string {
	var parts []string
	for _, set := range rdns {
		var values []string
		for _, a := range set {
			value, ok := a.Value.(string)
			if !ok {
				value = "?"
			}
			values = append(values, dnName(a.Type)+"="+strings.ReplaceAll(escape([]byte(value)), ",", `\,`))
		}
		parts = append(parts, strings.Join(values, " + "))
	}
	return strings.Join(parts, ", ")
}

// dnName is the name of an attribute type, or its numbers.
func dnName(oid asn1.ObjectIdentifier) string {
	for _, n := range dnNames {
		if n.oid.Equal(oid) {
			return n.name
		}
	}
	return oid.String()
}

// encodeDN reads "C=CH, O=Example, CN=gw" and encodes it in that order.
func encodeDN(s string) ([]byte, error) {
	attributes, err := readDN(s)
	if err != nil {
		return nil, err
	}
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		rdns = append(rdns, pkix.RelativeDistinguishedNameSET{a})
	}
	der, err := asn1.Marshal(rdns)
	if err != nil {
		return nil, fmt.Errorf("distinguished name: %w", err)
	}
	return der, nil
}

// readDN reads the parts of a name; their values are asn1.RawValue, ready to encode.
func readDN(s string) ([]pkix.AttributeTypeAndValue, error) {
	var list []pkix.AttributeTypeAndValue
	for _, part := range splitDN(s) {
		name, value, ok := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fmt.Errorf("part %q of a distinguished name, want NAME=value", part)
		}
		a, err := readAttribute(name, value)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if len(list) > maxRDNs {
		return nil, fmt.Errorf("distinguished name of %d parts, want %d at most", len(list), maxRDNs)
	}
	return list, nil
}

// splitDN cuts at commas; a backslash takes the next character as it is.
func splitDN(s string) []string {
	var parts []string
	var part bytes.Buffer
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			part.WriteByte(s[i])
		case s[i] == ',':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	return append(parts, part.String())
}

// readAttribute finds the type of a part and chooses the string type of its value.
func readAttribute(name, value string) (pkix.AttributeTypeAndValue, error) {
	if !utf8.ValidString(value) {
		return pkix.AttributeTypeAndValue{}, fmt.Errorf("value of %s is not UTF-8", name)
	}
	for _, n := range dnNames {
		if !strings.EqualFold(n.name, name) {
			continue
		}
		tag := n.tag
		if tag == 0 && printable(value) {
			tag = asn1.TagPrintableString
		} else if tag == 0 {
			tag = asn1.TagUTF8String
		}
		return pkix.AttributeTypeAndValue{Type: n.oid, Value: asn1.RawValue{Tag: tag, Bytes: []byte(value)}}, nil
	}
	return pkix.AttributeTypeAndValue{}, fmt.Errorf("part %q of a distinguished name is unknown, want C, ST, L, O, OU, CN or another of RFC 4514", name)
}

// printable reports whether a PrintableString can hold the value.
func printable(value string) bool {
	for _, c := range value {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune(" '()+,-./:=?", c) {
			return false
		}
	}
	return true
}
