package wire

// CertEncoding is what a CERT payload holds or a CERTREQ payload asks for (RFC 7296 3.6).
type CertEncoding uint8

// The encodings.
const (
	CertX509Signature CertEncoding = 4
	CertCRL           CertEncoding = 7
	CertHashURL       CertEncoding = 12
	CertHashURLBundle CertEncoding = 13
	CertOCSP          CertEncoding = 14 // RFC 4806
	CertRawPublicKey  CertEncoding = 15 // RFC 7670
)

// Cert is the Certificate payload (RFC 7296 3.6). Data aliases what was parsed and is not looked at here.
type Cert struct {
	Encoding CertEncoding
	Data     []byte
}

// Type returns PayloadCert.
func (Cert) Type() PayloadType { return PayloadCert }

// parseCert reads the body of a CERT payload.
func parseCert(b []byte, lim *Limits) (Cert, *Error) {
	if len(b) < 1 {
		return Cert{}, syntax(0, "expected an encoding", 0)
	}
	if len(b)-1 > lim.CertOctets {
		return Cert{}, syntax(1, "expected no more octets of certificate than the limit", len(b)-1)
	}
	return Cert{Encoding: CertEncoding(b[0]), Data: octets(b[1:])}, nil
}

// AppendBody appends encoding and data.
func (c Cert) AppendBody(b []byte) []byte {
	return append(append(b, byte(c.Encoding)), c.Data...)
}
