package auth

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stillwater/ike/wire"
)

// patternKind says which fields of a Pattern count.
type patternKind uint8

const (
	matchNothing patternKind = iota
	matchAny
	matchExact
	matchTail
	matchPrefix
	matchDN
)

// Pattern is the set of identities that an entry admits. Immutable; the zero value admits nobody.
type Pattern struct {
	kind   patternKind
	text   string // as configured
	id     Identity
	tail   string // matchTail: what the name ends with, lower case
	prefix netip.Prefix
	parts  []dnPart
	open   bool // matchDN: parts may stand anywhere in the name, and others may be there
}

// dnPart is one attribute of a distinguished name; an empty value stands for any.
type dnPart struct {
	oid   asn1.ObjectIdentifier
	value string // folded
}

// ParsePattern reads an identity as ParseIdentity does, or a set of them: "%any" or "*" for everybody, "*.example.org" for all
// names below example.org, "*@example.org" for mailboxes, "192.0.2.0/24" for addresses, "O=Example, CN=*" for any value, and
// "O=Example, OU=Branch, *" for every distinguished name that has these parts (RFC 4945 3.1.5).
func ParsePattern(s string) (Pattern, error) {
	s = strings.TrimSpace(s)
	p, err := parsePattern(s)
	if err != nil {
		return Pattern{}, fmt.Errorf("identity pattern %q: %w", clip(s), err)
	}
	p.text = s
	return p, nil
}

// parsePattern is ParsePattern without text and frame.
func parsePattern(s string) (Pattern, error) {
	if s == "%any" || s == "*" {
		return Pattern{kind: matchAny}, nil
	}
	if !strings.HasPrefix(s, "keyid:") {
		if strings.Contains(s, "=") && strings.Contains(s, "*") {
			return dnPattern(s)
		}
		if tail, ok := strings.CutPrefix(s, "*"); ok {
			return tailPattern(tail)
		}
		if prefix, err := netip.ParsePrefix(s); err == nil {
			return Pattern{kind: matchPrefix, prefix: prefix.Masked()}, nil
		}
	}
	id, err := parseIdentity(s)
	return Pattern{kind: matchExact, id: id}, err
}

// tailPattern is what stands behind the star of a name or a mailbox.
func tailPattern(tail string) (Pattern, error) {
	kind := wire.IDFQDN
	if strings.HasPrefix(tail, "@") {
		kind = wire.IDRFC822
	}
	if len(tail) < 2 || tail[0] != '.' && tail[0] != '@' || strings.Contains(tail, "*") {
		return Pattern{}, errors.New("want *.domain or *@domain")
	}
	if err := checkName([]byte(tail)); err != nil {
		return Pattern{}, err
	}
	return Pattern{kind: matchTail, id: Identity{Type: kind}, tail: lowerASCII([]byte(tail))}, nil
}

// dnPattern is a distinguished name with stars in it.
func dnPattern(s string) (Pattern, error) {
	p := Pattern{kind: matchDN}
	s, _ = strings.CutPrefix(s, "asn1dn:")
	if rest, ok := strings.CutSuffix(s, "*"); ok {
		if rest = strings.TrimSpace(rest); strings.HasSuffix(rest, ",") {
			p.open, s = true, strings.TrimSuffix(rest, ",")
		}
	}
	attributes, err := readDN(s)
	for _, a := range attributes {
		value := fold(string(a.Value.(asn1.RawValue).Bytes))
		if value == "*" {
			value = ""
		} else if strings.Contains(value, "*") {
			return p, errors.New("a star stands for a whole value of a distinguished name")
		}
		p.parts = append(p.parts, dnPart{a.Type, value})
	}
	return p, err
}

// Exactly admits one identity.
func Exactly(id Identity) Pattern { return Pattern{kind: matchExact, id: id, text: id.String()} }

// Exact is the one identity that the pattern admits; false if it admits several or none.
func (p Pattern) Exact() (Identity, bool) { return p.id, p.kind == matchExact }

// IsAny reports whether the pattern admits everybody.
func (p Pattern) IsAny() bool { return p.kind == matchAny }

// String is the pattern as it was configured.
func (p Pattern) String() string { return clip(p.text) }

// Match reports whether the pattern admits an identity. An identity that is nobody is never admitted.
func (p Pattern) Match(id Identity) bool {
	switch p.kind {
	case matchAny:
		return !id.IsZero()
	case matchExact:
		return p.id.Equal(id)
	case matchTail:
		name := lowerASCII(id.Data)
		return id.Type == p.id.Type && len(name) > len(p.tail) && strings.HasSuffix(name, p.tail)
	case matchPrefix:
		addr, ok := netip.AddrFromSlice(id.Data)
		return ok && (id.Type == wire.IDIPv4 || id.Type == wire.IDIPv6) && p.prefix.Contains(addr)
	case matchDN:
		return id.Type == wire.IDDN && p.matchDN(id.Data)
	}
	return false
}

// matchDN compares part by part.
func (p Pattern) matchDN(der []byte) bool {
	rdns, err := parseDN(der)
	if err != nil {
		return false
	}
	if p.open {
		all := slices.Concat(rdns...)
		return !slices.ContainsFunc(p.parts, func(part dnPart) bool { return !slices.ContainsFunc(all, part.match) })
	}
	if len(rdns) != len(p.parts) {
		return false
	}
	for i, set := range rdns {
		if len(set) != 1 || !p.parts[i].match(set[0]) {
			return false
		}
	}
	return true
}

// match reports whether an attribute is of this type and, where one is given, has this value.
func (part dnPart) match(a pkix.AttributeTypeAndValue) bool {
	value, ok := a.Value.(string)
	return ok && part.oid.Equal(a.Type) && (part.value == "" || part.value == fold(value))
}
