package wire

import "fmt"

// Error says what is wrong with a message and how it is answered. Immutable; never retained by the package.
type Error struct {
	// Notify is what a request that came protected is answered with; 0: a message that is dropped without an answer.
	Notify NotifyType
	// Payload is where the error is; PayloadNone: in the header, or behind the last payload.
	Payload PayloadType
	// Offset is the position of the field, in octets from the start of the input.
	Offset int
	// Reason is what was expected; never text of the peer's.
	Reason string
	// Value is what was found.
	Value int
	// Data goes with Notify: the type octet of an unsupported critical payload, else empty.
	Data []byte
}

// Error returns "ike message: SA payload, octet 32: expected ..., have 7".
func (e *Error) Error() string {
	where := ""
	if e.Payload != PayloadNone {
		where = e.Payload.String() + " payload, "
	}
	return fmt.Sprintf("ike message: %soctet %d: %s, have %d", where, e.Offset, e.Reason, e.Value)
}

// Answer returns the notify for the reply to a protected request (RFC 7296 2.5, 2.21). It has no meaning when Notify is 0.
func (e *Error) Answer() Notify { return Notify{Notify: e.Notify, Data: e.Data} }

// dropped returns an error that is not answered, whoever sent the message.
func dropped(offset int, reason string, value int) *Error {
	return &Error{Offset: offset, Reason: reason, Value: value}
}

// syntax returns an INVALID_SYNTAX error; offset counts from the octets at hand and is moved by at.
func syntax(offset int, reason string, value int) *Error {
	return &Error{Notify: InvalidSyntax, Offset: offset, Reason: reason, Value: value}
}

// at moves the error to where the octets it was found in begin.
func (e *Error) at(offset int) *Error {
	e.Offset += offset
	return e
}
