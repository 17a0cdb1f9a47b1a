package wire

// caLen is the length of an authority's name in octets: SHA-1 of its SubjectPublicKeyInfo (RFC 7296 3.7).
const caLen = 20

// CertReq is the Certificate Request payload (RFC 7296 3.7). CAs and Data alias what was parsed.
type CertReq struct {
	Encoding CertEncoding
	CAs      [][]byte // the acceptable authorities, 20 octets each; of X.509 encodings
	Data     []byte   // the whole field of the other encodings, whose syntax is not defined
}

// Type returns PayloadCertReq.
func (CertReq) Type() PayloadType { return PayloadCertReq }

// listsCAs reports whether the field of a request is a list of authorities: X.509 certificates, by value, by URL and as
// bundle. OCSP (RFC 4806) and raw keys are not.
func (e CertEncoding) listsCAs() bool {
	return e == CertX509Signature || e == CertHashURL || e == CertHashURLBundle
}

// parseCertReq reads the body of a CERTREQ payload.
func parseCertReq(b []byte) (CertReq, *Error) {
	if len(b) < 1 {
		return CertReq{}, syntax(0, "expected an encoding", 0)
	}
	r, rest := CertReq{Encoding: CertEncoding(b[0])}, b[1:]
	if !r.Encoding.listsCAs() {
		r.Data = octets(rest)
		return r, nil
	}
	if len(rest)%caLen != 0 {
		return CertReq{}, syntax(1, "expected authorities of 20 octets each", len(rest))
	}
	r.CAs = split(rest, caLen)
	return r, nil
}

// split cuts b, a multiple of n octets, into pieces of n; nil for none.
func split(b []byte, n int) [][]byte {
	if len(b) == 0 {
		return nil
	}
	all := make([][]byte, 0, len(b)/n)
	for ; len(b) > 0; b = b[n:] {
		all = append(all, b[:n:n])
	}
	return all
}

// AppendBody appends encoding and authorities; nil when one is not 20 octets.
func (r CertReq) AppendBody(b []byte) []byte {
	b = append(b, byte(r.Encoding))
	for _, ca := range r.CAs {
		if len(ca) != caLen {
			return nil
		}
		b = append(b, ca...)
	}
	return append(b, r.Data...)
}
