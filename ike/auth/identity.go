package auth

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stillwater/ike/wire"
)

// Identity is who an end of an IKE SA says it is: the type and the data of its ID payload (RFC 7296 3.5). Its octets are
// exactly those on the wire. Immutable; the zero value is nobody.
type Identity struct {
	Type wire.IDType
	Data []byte
}

// Limits of identity data in octets. A domain name and a mailbox have 255 at most (RFC 1035 2.3.4, RFC 5321 4.5.3.1); the
// others are ours.
const (
	maxName  = 255
	maxKeyID = 1024
	maxDN    = 4096
)

// FromWire takes the identity out of a payload that a peer sent and checks its form, because everything after this looks at
// octets an attacker chose (HAZ-30). The data is copied. Types that prove nothing here (ID_DER_ASN1_GN, ID_NULL, unknown
// ones) are refused.
func FromWire(id wire.ID) (Identity, error) {
	if err := checkForm(id.IDType, id.Data); err != nil {
		return Identity{}, err
	}
	return Identity{id.IDType, slices.Clone(id.Data)}, nil
}

// checkForm says what is wrong with identity data of a type.
func checkForm(kind wire.IDType, data []byte) error {
	least, most := 1, maxName
	switch kind {
	case wire.IDIPv4:
		least, most = 4, 4
	case wire.IDIPv6:
		least, most = 16, 16
	case wire.IDKeyID:
		most = maxKeyID
	case wire.IDDN:
		most = maxDN
	case wire.IDFQDN, wire.IDRFC822:
	default:
		return fmt.Errorf("identity type %d is not supported", kind)
	}
	if len(data) < least || len(data) > most {
		return fmt.Errorf("identity of type %d has %d octets, want %d to %d", kind, len(data), least, most)
	}
	switch kind {
	case wire.IDFQDN, wire.IDRFC822:
		return checkName(data)
	case wire.IDDN:
		_, err := parseDN(data)
		return err
	}
	return nil
}

// checkName refuses what cannot be part of a domain name or mailbox and could mislead a reader or a comparison: blanks,
// control characters, NUL.
func checkName(data []byte) error {
	for i, c := range data {
		if c <= ' ' || c == 0x7f {
			return fmt.Errorf("identity has octet %#02x at %d, want a name", c, i)
		}
	}
	return nil
}

// Wire is the identity as a payload, RESERVED zero.
func (id Identity) Wire(responder bool) wire.ID {
	return wire.ID{Responder: responder, IDType: id.Type, Data: id.Data}
}

// IsZero reports whether this is nobody.
func (id Identity) IsZero() bool { return id.Type == 0 && len(id.Data) == 0 }

// Key is the same string for all spellings of one identity and different strings for different identities: letter case does
// not count in names and mailboxes (RFC 4945 3.1.2, 3.1.3), nor do case, blanks and string types in distinguished names (RFC
// 5280 7.1). It serves as a map key and is not for printing.
func (id Identity) Key() string {
	kind := string([]byte{byte(id.Type)})
	switch id.Type {
	case wire.IDFQDN, wire.IDRFC822:
		return kind + lowerASCII(id.Data)
	case wire.IDDN:
		return kind + canonicalDN(id.Data)
	}
	return kind + string(id.Data)
}

// lowerASCII lowers A to Z and nothing else, so that no two different names meet through Unicode.
func lowerASCII(data []byte) string {
	b := slices.Clone(data)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Equal reports whether both are the same identity, as Key has it.
func (id Identity) Equal(other Identity) bool { return id.Key() == other.Key() }

// String is the identity as ParseIdentity takes it, escaped and at most 256 octets long, so that it is fit for a log whoever
// sent it (LIM-18).
func (id Identity) String() string {
	switch id.Type {
	case wire.IDIPv4, wire.IDIPv6:
		if addr, ok := netip.AddrFromSlice(id.Data); ok {
			return addr.String()
		}
	case wire.IDFQDN, wire.IDRFC822:
		return clip(escape(id.Data))
	case wire.IDDN:
		if rdns, err := parseDN(id.Data); err == nil {
			return clip(formatDN(rdns))
		}
	case wire.IDKeyID:
		if text := escape(id.Data); len(text) == len(id.Data) && !strings.HasPrefix(text, "0x") {
			return clip("keyid:" + text)
		}
		return clip("keyid:0x" + hex.EncodeToString(id.Data[:min(len(id.Data), maxText)]))
	}
	return clip(fmt.Sprintf("type %d:0x%x", id.Type, id.Data[:min(len(id.Data), maxText)]))
}
