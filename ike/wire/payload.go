package wire

// PayloadType is the type of a payload, as the Next Payload field before it says (RFC 7296 3.2).
type PayloadType uint8

// The payload types. 1 to 32 were IKEv1's and are never assigned, 128 to 255 are private. Those marked are constants only:
// they are read as Unknown.
const (
	PayloadNone    PayloadType = 0
	PayloadSA      PayloadType = 33
	PayloadKE      PayloadType = 34
	PayloadIDi     PayloadType = 35
	PayloadIDr     PayloadType = 36
	PayloadCert    PayloadType = 37
	PayloadCertReq PayloadType = 38
	PayloadAuth    PayloadType = 39
	PayloadNonce   PayloadType = 40
	PayloadNotify  PayloadType = 41
	PayloadDelete  PayloadType = 42
	PayloadVendor  PayloadType = 43
	PayloadTSi     PayloadType = 44
	PayloadTSr     PayloadType = 45
	PayloadSK      PayloadType = 46
	PayloadCP      PayloadType = 47
	PayloadEAP     PayloadType = 48
	PayloadGSPM    PayloadType = 49 // RFC 6467: Unknown
	PayloadIDg     PayloadType = 50 // RFC 9838: Unknown
	PayloadGSA     PayloadType = 51 // RFC 9838: Unknown
	PayloadKD      PayloadType = 52 // RFC 9838: Unknown
	PayloadSKF     PayloadType = 53 // RFC 7383
	PayloadPS      PayloadType = 54 // RFC 8019
)

var payloadNames = [...]string{
	PayloadNone: "no next", PayloadSA: "SA", PayloadKE: "KE", PayloadIDi: "IDi", PayloadIDr: "IDr", PayloadCert: "CERT",
	PayloadCertReq: "CERTREQ", PayloadAuth: "AUTH", PayloadNonce: "Nonce", PayloadNotify: "N", PayloadDelete: "D",
	PayloadVendor: "V", PayloadTSi: "TSi", PayloadTSr: "TSr", PayloadSK: "SK", PayloadCP: "CP", PayloadEAP: "EAP",
	PayloadGSPM: "GSPM", PayloadIDg: "IDg", PayloadGSA: "GSA", PayloadKD: "KD", PayloadSKF: "SKF", PayloadPS: "PS",
}

// String returns the notation of the RFCs, such as "TSi", or "type n" for a type without one.
func (t PayloadType) String() string { return name(payloadNames[:], int(t), "type ") }

// Payload is one payload of a message. The types of this package implement it as values: a type switch names wire.SA,
// never *wire.SA.
type Payload interface {
	// Type returns the payload's type.
	Type() PayloadType
	// AppendBody appends what follows the generic payload header to b, which is not nil. It returns nil when the contents do
	// not fit the payload's fields: a count, an SPI or an address that has no encoding. Octets alone may be too many as well;
	// AppendPayloads finds that.
	AppendBody(b []byte) []byte
}

// octets returns b without spare capacity, and nil for no octets: a field that is empty and one that is not there are the
// same to a reader.
func octets(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[:len(b):len(b)]
}
