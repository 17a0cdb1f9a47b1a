package config

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
)

// keyKind reads key material. Its values are never shown.
var keyKind = kind[Key]{
	want: "a string of hexadecimal digits, two for each octet", secret: true,
	parse: func(raw any) (Key, error) {
		s, ok := raw.(string)
		if !ok {
			return Key{}, errKind
		}
		return parseKey(s)
	},
}

// parseKey reads hexadecimal digits, with or without 0x in front.
func parseKey(s string) (Key, error) {
	octets, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(octets) == 0 {
		return Key{}, errKind // not err: it quotes a digit
	}
	return NewKey(octets), nil
}

// parseSecret reads the text of a pre-shared key, its last line end not counted, or hexadecimal digits behind 0x. No NUL is
// added (RFC 7296 2.15).
func parseSecret(text []byte) (Key, error) {
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case bytes.HasPrefix(text, []byte("0x")):
		return parseKey(string(text))
	case len(text) == 0:
		return Key{}, errKind
	}
	return NewKey(bytes.Clone(text)), nil
}

// The SPIs we accept.
const (
	minSPI    = 256        // 1 to 255 are reserved (RFC 4303 2.1)
	maxOwnSPI = 0x7fffffff // the top bit tells ESP from its successor (draft-ietf-ipsecme-eesp)
	maxSPI    = 0xffffffff
)

// spi declares SPIs up to high, written as integers or as hexadecimal strings.
func spi(high uint32, want string) kind[uint32] {
	return kind[uint32]{want: want, parse: func(raw any) (uint32, error) {
		var n uint64
		switch v := raw.(type) {
		case int64:
			n = uint64(v) // a negative number is too large
		case string:
			digits, ok := strings.CutPrefix(v, "0x")
			parsed, err := strconv.ParseUint(digits, 16, 32)
			if !ok || err != nil {
				return 0, errKind
			}
			n = parsed
		default:
			return 0, errKind
		}
		if n < minSPI || n > uint64(high) {
			return 0, errKind
		}
		return uint32(n), nil
	}}
}

// The kinds of SPI: ours, and those in captures of others.
var (
	ownSPIKind     = spi(maxOwnSPI, `an SPI from 256 to 0x7fffffff such as 4097 or "0x1001" (the top bit stays clear)`)
	captureSPIKind = spi(maxSPI, `an SPI from 256 to 0xffffffff such as 4097 or "0x1001"`)
)
