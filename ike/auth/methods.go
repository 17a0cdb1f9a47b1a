package auth

import (
	"slices"

	"stillwater/ike/wire"
)

// Announcement is one entry of SUPPORTED_AUTH_METHODS (RFC 9593): a method that its sender takes from the other end.
type Announcement struct {
	Method    wire.AuthMethod
	CertLink  uint8  // the authority in the sender's CERTREQ it holds for, counted from 1; 0: any
	Algorithm []byte // AlgorithmIdentifier, with AuthSignature only
}

// maxAnnouncements bounds what is kept of a peer's list.
const maxAnnouncements = 64

// Octets of an entry: length and method; and authority, for a signature; and AlgorithmIdentifier, for method 14 (AUA-001).
const (
	plainEntry  = 2
	linkedEntry = 3
)

// AppendMethods appends the notification data of SUPPORTED_AUTH_METHODS. Entries without signature take 2 octets, older
// signatures 3, method 14 what its algorithm needs. An algorithm that does not fit an entry is left out.
func AppendMethods(b []byte, list []Announcement) []byte {
	for _, a := range list {
		switch a.Method {
		case wire.AuthPSK, wire.AuthNull:
			b = append(b, plainEntry, byte(a.Method))
		case wire.AuthSignature:
			if n := linkedEntry + len(a.Algorithm); n <= 0xff {
				b = append(b, byte(n), byte(a.Method), a.CertLink)
				b = append(b, a.Algorithm...)
			}
		default:
			b = append(b, linkedEntry, byte(a.Method), a.CertLink)
		}
	}
	return b
}

// ParseMethods reads the notification data of SUPPORTED_AUTH_METHODS. The list is a help and no rule (AUA-002): it ends,
// without error, at an entry whose length is below 2 or beyond the data, and at 64 entries. Algorithms are copied.
func ParseMethods(data []byte) []Announcement {
	var list []Announcement
	for len(data) >= plainEntry && len(list) < maxAnnouncements {
		n := int(data[0])
		if n < plainEntry || n > len(data) {
			break
		}
		a := Announcement{Method: wire.AuthMethod(data[1])}
		if n >= linkedEntry {
			a.CertLink = data[2]
			a.Algorithm = slices.Clone(data[linkedEntry:n])
		}
		list, data = append(list, a), data[n:]
	}
	return list
}
