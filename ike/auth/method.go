package auth

import (
	"stillwater/crypto/prf"
	"stillwater/crypto/sign"
)

// Method is how an end proves who it is. The zero value proves nothing and is never satisfied.
type Method uint8

// The methods.
const (
	PSK    Method = iota + 1 // shared secret
	Pubkey                   // certificate and signature
)

// String is the name in the configuration.
func (m Method) String() string {
	switch m {
	case PSK:
		return "psk"
	case Pubkey:
		return "pubkey"
	}
	return "none"
}

// Exchange is what the messages before AUTH settled. Slices are the caller's and only read.
type Exchange struct {
	PRF prf.PRF
	// Digital: both ends sent SIGNATURE_HASH_ALGORITHMS. Then a signature must be of method 14, and otherwise it must not
	// (RFC 7427 3, IKE-086).
	Digital bool
	Hashes  []sign.Hash    // what the peer announced there
	Methods []Announcement // the peer's SUPPORTED_AUTH_METHODS; nil where none came
}
