package auth

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"slices"

	"stillwater/ike/wire"
)

// bind reports whether a certificate is that identity's (RFC 7296 3.5, RFC 4945 3.1): a name, mailbox or address must be
// among the alternative names, whole and without wildcards; a distinguished name must be the subject. A common name is no
// proof of anything. A key ID is none either: it means something between ends that share a secret.
func bind(cert *x509.Certificate, id Identity) error {
	if carries(cert, id) {
		return nil
	}
	detail := id.String() + ", certificate is for " + subjectOf(cert)
	return &Error{Stage: StageBinding, Reason: "identity is not in the certificate", Detail: detail}
}

// carries is bind without the words.
func carries(cert *x509.Certificate, id Identity) bool {
	same := func(name string) bool { return lowerASCII([]byte(name)) == lowerASCII(id.Data) }
	switch id.Type {
	case wire.IDFQDN:
		return slices.ContainsFunc(cert.DNSNames, same)
	case wire.IDRFC822:
		return slices.ContainsFunc(cert.EmailAddresses, same)
	case wire.IDIPv4, wire.IDIPv6:
		return slices.ContainsFunc(cert.IPAddresses, func(ip net.IP) bool { return bytes.Equal(ip, id.Data) })
	case wire.IDDN:
		return Identity{wire.IDDN, cert.RawSubject}.Equal(id)
	}
	return false
}

// subjectOf is the subject of a certificate for the log.
func subjectOf(cert *x509.Certificate) string { return Identity{wire.IDDN, cert.RawSubject}.String() }

// Key purposes that crypto/x509 has no names for.
var (
	oidExtKeyUsage     = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidIPsecIKE        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 17} // RFC 4945 5.1.3.12
	oidIKEIntermediate = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 8, 2, 2}  // its predecessor, which macOS and Windows ask for
)

// allowsIKE reports whether the usages of an end certificate allow what it was used for: signing if a key usage is there at
// all (RFC 4945 5.1.3.2), and IKE if purposes are.
func allowsIKE(cert *x509.Certificate) bool {
	const signing = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	return (cert.KeyUsage == 0 || cert.KeyUsage&signing != 0) && purposeAllowsIKE(cert)
}

// purposeAllowsIKE takes the purposes of RFC 4945 5.1.3.12. As far as the extension is not critical, which leaves us free not to
// look at it at all, it also takes those of TLS: gateways are commonly issued with serverAuth, because other IKE clients demand
// it, and would otherwise be refused. Anything else, such as code signing, is not for IKE.
func purposeAllowsIKE(cert *x509.Certificate) bool {
	if len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 {
		return true
	}
	if slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) || slices.ContainsFunc(cert.UnknownExtKeyUsage, oidIPsecIKE.Equal) {
		return true
	}
	critical := func(e pkix.Extension) bool { return e.Critical && e.Id.Equal(oidExtKeyUsage) }
	if slices.ContainsFunc(cert.Extensions, critical) {
		return false
	}
	return slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) ||
		slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) ||
		slices.ContainsFunc(cert.UnknownExtKeyUsage, oidIKEIntermediate.Equal)
}
