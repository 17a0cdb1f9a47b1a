package auth

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"
)

// CRLPolicy says what the absence of revocation lists means.
type CRLPolicy uint8

// The policies. In both, a certificate that any list names is revoked.
const (
	CRLIfPresent CRLPolicy = iota // no list, or only an old one: not revoked
	CRLStrict                     // every certificate below the authority needs a list that is not out of date
)

// String is the name in the configuration.
func (p CRLPolicy) String() string {
	if p == CRLStrict {
		return "strict"
	}
	return "ifpresent"
}

// crl is one revocation list, ready to be asked. Immutable.
type crl struct {
	list    *x509.RevocationList
	serials map[string]struct{} // revoked serial numbers, big-endian octets
	signers []*x509.Certificate // authorities whose signature was verified when it was loaded
}

// Extensions of lists and their entries that change nothing in what an entry says (RFC 5280 5.2, 5.3): key identifier, issuer's
// other names, number, reason, invalidity date.
var harmlessCRL = []asn1.ObjectIdentifier{{2, 5, 29, 35}, {2, 5, 29, 18}, {2, 5, 29, 20}, {2, 5, 29, 21}, {2, 5, 29, 24}}

// newCRL takes in a list. One with a critical extension it does not know is refused: delta lists (RFC 4945 5.2.2.4.1) and
// lists for a part of the certificates, or for other issuers', would be mistaken for complete ones.
func newCRL(list *x509.RevocationList, roots []*x509.Certificate) (*crl, error) {
	c := &crl{list: list, serials: make(map[string]struct{}, len(list.RevokedCertificateEntries))}
	extensions := slices.Clone(list.Extensions)
	for _, entry := range list.RevokedCertificateEntries {
		c.serials[string(entry.SerialNumber.Bytes())] = struct{}{}
		extensions = append(extensions, entry.Extensions...)
	}
	for _, e := range extensions {
		if e.Critical && !slices.ContainsFunc(harmlessCRL, e.Id.Equal) {
			return nil, fmt.Errorf("revocation list of %s has critical extension %v: not a complete list", list.Issuer, e.Id)
		}
	}
	return c, c.verify(roots)
}

// verify notes which authorities signed the list. One that bears an authority's name and not its signature is an error: to
// pass over it would be to pass over what it revokes.
func (c *crl) verify(roots []*x509.Certificate) error {
	var last error
	for _, root := range roots {
		if !bytes.Equal(root.RawSubject, c.list.RawIssuer) {
			continue
		}
		if err := c.list.CheckSignatureFrom(root); err != nil {
			last = err
			continue
		}
		c.signers = append(c.signers, root)
	}
	if last != nil && len(c.signers) == 0 {
		return fmt.Errorf("revocation list of %s: %w", c.list.Issuer, last)
	}
	return nil
}

// signedBy reports whether the list is that issuer's.
func (c *crl) signedBy(issuer *x509.Certificate) bool {
	return slices.ContainsFunc(c.signers, issuer.Equal) || c.list.CheckSignatureFrom(issuer) == nil
}

// fresh reports whether now is between the list's own dates. One without the second, against RFC 5280 5.1.2.5, never is.
func (c *crl) fresh(now time.Time) bool {
	return !now.Before(c.list.ThisUpdate) && now.Before(c.list.NextUpdate)
}

// checkRevocation asks every list of the issuer about a certificate. A list that names it counts whatever its age; one that
// does not is worth something only while fresh (RFC 4945 5.2.1).
func (t *Trust) checkRevocation(cert, issuer *x509.Certificate, now time.Time) error {
	covered := false
	for _, c := range t.crls[string(cert.RawIssuer)] {
		if !c.signedBy(issuer) {
			continue
		}
		if _, revoked := c.serials[string(cert.SerialNumber.Bytes())]; revoked {
			return &Error{Stage: StageRevocation, Reason: "certificate is revoked", Detail: subjectOf(cert)}
		}
		covered = covered || c.fresh(now)
	}
	if t.policy == CRLStrict && !covered {
		return &Error{Stage: StageRevocation, Reason: "no revocation list that is in date", Detail: subjectOf(cert)}
	}
	return nil
}
