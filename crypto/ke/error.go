package ke

import (
	"fmt"

	"stillwater/crypto/suite"
)

// Error reports a method that is not supported or a peer's public value that must not be used (IKE-049): in IKE_SA_INIT
// the message is dropped, later the IKE SA ends. Immutable value; it holds no secrets.
type Error struct {
	Method uint16 // IANA transform ID
	Reason string // what is wrong
}

// Error names the method and what is wrong.
func (e *Error) Error() string {
	if row, ok := suite.LookupKE(e.Method); ok {
		return fmt.Sprintf("key exchange method %s (%d): %s", row.Name, e.Method, e.Reason)
	}
	return fmt.Sprintf("key exchange method %d: %s", e.Method, e.Reason)
}

// wrongLength refuses a public value of another length than the method's; none is ever padded or truncated.
func wrongLength(row suite.KE, peer []byte) error {
	return &Error{row.ID, fmt.Sprintf("public value of %d octets, want %d", len(peer), row.Public)}
}
