package wire

// IDType is the kind of an identity (RFC 7296 3.5).
type IDType uint8

// The kinds of identity.
const (
	IDIPv4   IDType = 1
	IDFQDN   IDType = 2
	IDRFC822 IDType = 3
	IDIPv6   IDType = 5
	IDDN     IDType = 9  // ASN.1 DER of a distinguished name
	IDGN     IDType = 10 // ASN.1 DER of a general name
	IDKeyID  IDType = 11
	IDNull   IDType = 13 // RFC 7619: no data
)

var idNames = [...]string{
	IDIPv4: "ID_IPV4_ADDR", IDFQDN: "ID_FQDN", IDRFC822: "ID_RFC822_ADDR", IDIPv6: "ID_IPV6_ADDR", IDDN: "ID_DER_ASN1_DN",
	IDGN: "ID_DER_ASN1_GN", IDKeyID: "ID_KEY_ID", IDNull: "ID_NULL",
}

// String returns the registry's name, or "ID_TYPE_n".
func (t IDType) String() string { return name(idNames[:], int(t), "ID_TYPE_") }

// ID is the Identification payload of one side (RFC 7296 3.5). Data aliases what was parsed and is the peer's text: escape
// it before it is shown. Reserved is kept because AUTH covers it as it came (RFC 7296 2.15); it is zero when sent.
type ID struct {
	Responder bool // IDr, not IDi
	IDType    IDType
	Reserved  [3]byte
	Data      []byte
}

// Type returns PayloadIDi or PayloadIDr.
func (id ID) Type() PayloadType {
	if id.Responder {
		return PayloadIDr
	}
	return PayloadIDi
}

// parseID reads the body of an IDi or IDr payload.
func parseID(b []byte, responder bool) (ID, *Error) {
	if len(b) < 4 {
		return ID{}, syntax(0, "expected 4 octets or more", len(b))
	}
	id := ID{Responder: responder, IDType: IDType(b[0]), Reserved: [3]byte(b[1:4]), Data: octets(b[4:])}
	if n, fixed := id.IDType.dataLen(); fixed && len(id.Data) != n {
		return ID{}, syntax(4, "expected as many octets as the type of identity has", len(id.Data))
	}
	return id, nil
}

// dataLen returns the octets of an identity whose type fixes them.
func (t IDType) dataLen() (n int, fixed bool) {
	switch t {
	case IDIPv4:
		return 4, true
	case IDIPv6:
		return 16, true
	case IDNull:
		return 0, true
	}
	return 0, false
}

// Body returns type, RESERVED and data exactly as on the wire: what prf(SK_p, ...) of RFC 7296 2.15 covers.
func (id ID) Body() []byte { return id.AppendBody(make([]byte, 0, 4+len(id.Data))) }

// AppendBody appends type, RESERVED and data.
func (id ID) AppendBody(b []byte) []byte {
	b = append(b, byte(id.IDType), id.Reserved[0], id.Reserved[1], id.Reserved[2])
	return append(b, id.Data...)
}
