package sign

import "errors"

// Why a signature was refused, or could not be made. Errors of this package wrap one of these; the text around them is for
// the operator and holds no octet of a key, a signature or what was signed.
var (
	ErrFormat    = errors.New("malformed authentication data")
	ErrAlgorithm = errors.New("signature algorithm not accepted")
	ErrHash      = errors.New("hash not announced")
	ErrKey       = errors.New("key not accepted")
	ErrSignature = errors.New("signature does not verify")
)
