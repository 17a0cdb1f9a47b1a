package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"stillwater/ike/wire"
)

// idPrefixes name a type in front of an identity, where its look alone would say something else.
var idPrefixes = []struct {
	prefix string
	kind   wire.IDType
}{
	{"keyid:", wire.IDKeyID},
	{"fqdn:", wire.IDFQDN},
	{"dns:", wire.IDFQDN},
	{"rfc822:", wire.IDRFC822},
	{"email:", wire.IDRFC822},
	{"userfqdn:", wire.IDRFC822},
	{"ipv4:", wire.IDIPv4},
	{"ipv6:", wire.IDIPv6},
	{"asn1dn:", wire.IDDN},
	{"@#", wire.IDKeyID},
	{"@@", wire.IDRFC822},
	{"@", wire.IDFQDN},
}

// errPattern is what a pattern in place of an identity gets.
var errPattern = errors.New("matches many, want one identity")

// ParseIdentity reads an identity as strongSwan writes it: an address, "host.example.org" or "@host", "user@example.org",
// "C=CH, O=Example, CN=gw" (ID_DER_ASN1_DN), "keyid:text" or "keyid:0x0a0b", "@#0a0b" (ID_KEY_ID). A prefix of "fqdn:",
// "rfc822:", "ipv4:", "ipv6:" or "asn1dn:" settles the type. Nothing is looked up. Unlike strongSwan it never falls back from a
// distinguished name with an error in it to a key ID.
func ParseIdentity(s string) (Identity, error) {
	s = strings.TrimSpace(s)
	id, err := parseIdentity(s)
	if err != nil {
		return Identity{}, fmt.Errorf("identity %q: %w", clip(s), err)
	}
	return id, nil
}

// parseIdentity is ParseIdentity without the error's frame.
func parseIdentity(s string) (Identity, error) {
	if s == "" || strings.HasPrefix(s, "%") || s == "*" {
		return Identity{}, errPattern
	}
	for _, p := range idPrefixes {
		if rest, ok := strings.CutPrefix(s, p.prefix); ok {
			if p.prefix == "@#" {
				rest = "0x" + rest
			}
			return typedIdentity(p.kind, rest)
		}
	}
	return typedIdentity(guessType(s), s)
}

// guessType is the type that the look of an identity without prefix stands for.
func guessType(s string) wire.IDType {
	addr, err := netip.ParseAddr(s)
	switch {
	case strings.Contains(s, "="):
		return wire.IDDN
	case strings.Contains(s, "@"):
		return wire.IDRFC822
	case err == nil && addr.Is4():
		return wire.IDIPv4
	case strings.Contains(s, ":"):
		return wire.IDIPv6
	case strings.Trim(s, "0123456789.") == "":
		return wire.IDIPv4 // for the error: nobody is called 192.0.2.300
	}
	return wire.IDFQDN
}

// typedIdentity reads the text of an identity whose type is settled.
func typedIdentity(kind wire.IDType, s string) (Identity, error) {
	var data []byte
	var err error
	switch kind {
	case wire.IDIPv4, wire.IDIPv6:
		data, err = addressOctets(kind, s)
	case wire.IDDN:
		data, err = encodeDN(s)
	case wire.IDKeyID:
		data = []byte(s)
		if digits, ok := strings.CutPrefix(s, "0x"); ok {
			data, err = hex.DecodeString(digits)
		}
	default:
		data = []byte(s)
		if strings.Contains(s, "*") {
			err = errPattern
		}
	}
	if err == nil {
		err = checkForm(kind, data)
	}
	if err != nil {
		return Identity{}, err
	}
	return Identity{kind, data}, nil
}

// addressOctets reads an address of the family that the type has.
func addressOctets(kind wire.IDType, s string) ([]byte, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return nil, errors.New("want an IP address")
	}
	if addr.Zone() != "" || addr.Is4() != (kind == wire.IDIPv4) {
		return nil, errors.New("want an address of that family, without zone")
	}
	return addr.AsSlice(), nil
}
