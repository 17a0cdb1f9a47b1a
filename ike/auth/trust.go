package auth

import (
	"crypto"
	"crypto/sha1" // names of authorities in CERTREQ, not a signature (RFC 7296 3.7)
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// Limits on what a peer may make us look at (LIM-17).
const (
	maxCerts     = 8        // certificates of a chain as sent
	maxCertBytes = 32 << 10 // octets of one
	maxDepth     = 6        // certificates of a path, authority included
)

// Trust is the authorities an entry believes and their revocation lists. Immutable but for what it remembers, safe for
// concurrent use; a new list means a new Trust.
type Trust struct {
	roots  []*x509.Certificate
	pool   *x509.CertPool
	crls   map[string][]*crl // by the issuer's name, DER
	policy CRLPolicy
	paths  paths
}

// NewTrust takes certificates to believe, at least one, and revocation lists. A certificate that is no authority is believed
// for itself: that is how a single peer is pinned. A list signed by one of roots is verified now, others when a chain brings
// their issuer.
func NewTrust(roots []*x509.Certificate, lists []*x509.RevocationList, policy CRLPolicy) (*Trust, error) {
	if len(roots) == 0 {
		return nil, errors.New("trust needs a certificate")
	}
	t := &Trust{roots: slices.Clone(roots), pool: x509.NewCertPool(), crls: make(map[string][]*crl), policy: policy}
	for _, root := range roots {
		if err := sign.CheckKey(root.PublicKey); err != nil {
			return nil, fmt.Errorf("authority %s: %w", subjectOf(root), err)
		}
		t.pool.AddCert(root)
	}
	for _, list := range lists {
		c, err := newCRL(list, roots)
		if err != nil {
			return nil, err
		}
		t.crls[string(list.RawIssuer)] = append(t.crls[string(list.RawIssuer)], c)
	}
	return t, nil
}

// LoadTrust reads files of certificates and of revocation lists, PEM with any number of them or DER with one.
func LoadTrust(caFiles, crlFiles []string, policy CRLPolicy) (*Trust, error) {
	roots, err := load(caFiles, maxCertFile, x509.ParseCertificate, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	lists, err := load(crlFiles, maxCRLFile, x509.ParseRevocationList, "X509 CRL", "CRL")
	if err != nil {
		return nil, err
	}
	return NewTrust(roots, lists, policy)
}

// load parses every block of every file.
func load[T any](files []string, limit int64, parse func([]byte) (T, error), types ...string) ([]T, error) {
	var list []T
	for _, file := range files {
		blocks, err := readBlocks(file, limit, types...)
		if err != nil {
			return nil, err
		}
		for _, der := range blocks {
			item, err := parse(der)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			list = append(list, item)
		}
	}
	return list, nil
}

// Roots is what is believed. The caller owns the slice.
func (t *Trust) Roots() []*x509.Certificate { return slices.Clone(t.roots) }

// Verify decides whether a chain, the signer's certificate first, leads to an authority at that time, is not revoked, allows
// IKE and is the identity's; then it gives the signer's key. Sizes are checked before anything is parsed. Certificates after
// the first are only offers for the path: one that cannot be parsed or has an absurd key is passed over. The error is an
// *Error.
func (t *Trust) Verify(chain [][]byte, id Identity, now time.Time) (crypto.PublicKey, *Info, error) {
	path, err := t.pathOf(chain, now)
	if err != nil {
		return nil, nil, err
	}
	leaf := path[0]
	if !allowsIKE(leaf) {
		return nil, nil, &Error{Stage: StageCertificate, Reason: "key usage does not allow IKE", Detail: subjectOf(leaf)}
	}
	if err := bind(leaf, id); err != nil {
		return nil, nil, err
	}
	return leaf.PublicKey, infoOf(path, id), nil
}

// pathOf is the path of a chain as sent: one that is remembered and still good, else a new one.
func (t *Trust) pathOf(chain [][]byte, now time.Time) ([]*x509.Certificate, error) {
	if err := checkSizes(chain); err != nil {
		return nil, &Error{Stage: StageCertificate, Reason: "too large", Err: err}
	}
	digest := chainDigest(chain)
	if path := t.paths.find(digest, now); path != nil && t.checkPath(path, now) == nil {
		return path, nil
	}
	leaf, others, err := parseChain(chain)
	if err != nil {
		return nil, err
	}
	path, err := t.path(leaf, others, now)
	if err == nil {
		t.paths.keep(digest, path)
	}
	return path, err
}

// checkSizes applies LIM-17 to DER.
func checkSizes(chain [][]byte) error {
	if len(chain) > maxCerts {
		return fmt.Errorf("%d certificates, want %d at most", len(chain), maxCerts)
	}
	for i, der := range chain {
		if len(der) > maxCertBytes {
			return fmt.Errorf("certificate %d has %d octets, want %d at most", i+1, len(der), maxCertBytes)
		}
	}
	return nil
}

// parseChain parses what a peer sent, whose sizes are within limits.
func parseChain(chain [][]byte) (*x509.Certificate, *x509.CertPool, error) {
	if len(chain) == 0 {
		return nil, nil, &Error{Stage: StageCertificate, Reason: "no certificate sent"}
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, nil, &Error{Stage: StageCertificate, Reason: "cannot be parsed", Err: err}
	}
	if err := sign.CheckKey(leaf.PublicKey); err != nil {
		return nil, nil, &Error{Stage: StageCertificate, Reason: "key refused", Detail: subjectOf(leaf), Err: err}
	}
	others := x509.NewCertPool()
	for _, der := range chain[1:] {
		if c, err := x509.ParseCertificate(der); err == nil && sign.CheckKey(c.PublicKey) == nil {
			others.AddCert(c)
		}
	}
	return leaf, others, nil
}

// path is a path from leaf to an authority that meets every demand: signatures, validity, constraints (HAZ-20), depth,
// revocation. Where several lead there, one that does is enough.
func (t *Trust) path(leaf *x509.Certificate, others *x509.CertPool, now time.Time) ([]*x509.Certificate, error) {
	paths, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.pool, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, &Error{Stage: StageCertificate, Reason: "no path to an authority", Detail: subjectOf(leaf), Err: err}
	}
	for _, path := range paths {
		if err = t.checkPath(path, now); err == nil {
			return path, nil
		}
	}
	return nil, err
}

// checkPath is what the standard library leaves to us.
func (t *Trust) checkPath(path []*x509.Certificate, now time.Time) error {
	if len(path) > maxDepth {
		detail := fmt.Sprintf("%d certificates, want %d at most", len(path), maxDepth)
		return &Error{Stage: StageCertificate, Reason: "path too long", Detail: detail}
	}
	for _, cert := range path {
		if looseConstraints(cert) {
			return &Error{Stage: StageCertificate, Reason: "name constraints are not critical", Detail: subjectOf(cert)}
		}
	}
	for i, cert := range path[:len(path)-1] {
		if err := t.checkRevocation(cert, path[i+1], now); err != nil {
			return err
		}
	}
	return nil
}

// oidNameConstraints is the extension of RFC 5280 4.2.1.10.
var oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}

// looseConstraints reports name constraints that are not critical, against RFC 5280 4.2.1.10. The standard library would pass
// over those for directory names; critical ones that it cannot check it refuses.
func looseConstraints(cert *x509.Certificate) bool {
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidNameConstraints) && !e.Critical {
			return true
		}
	}
	return false
}

// infoOf is what the log and the lifetime of the SA need of a path.
func infoOf(path []*x509.Certificate, id Identity) *Info {
	leaf := path[0]
	info := &Info{
		Identity: id,
		Subject:  subjectOf(leaf),
		Issuer:   Identity{wire.IDDN, leaf.RawIssuer}.String(),
		Serial:   clip(leaf.SerialNumber.Text(16)),
		NotAfter: leaf.NotAfter,
	}
	for _, c := range path {
		if c.NotAfter.Before(info.NotAfter) {
			info.NotAfter = c.NotAfter
		}
	}
	return info
}

// CertReqHashes names authorities as CERTREQ does: SHA-1 of the SubjectPublicKeyInfo of each (RFC 7296 3.7).
func CertReqHashes(roots []*x509.Certificate) [][]byte {
	var list [][]byte
	for _, root := range roots {
		hash := sha1.Sum(root.RawSubjectPublicKeyInfo)
		list = append(list, hash[:])
	}
	return list
}

// maxCAs bounds a CERTREQ: 1,280 octets still pass in a fragment or two.
const maxCAs = 64

// CertReq asks for certificates of the authorities that entries believe, each named once; false where no entry wants a
// certificate. The authorities of a responder that does not know yet who comes are those of all entries.
func CertReq(peers ...*Peer) (wire.CertReq, bool) {
	request := wire.CertReq{Encoding: wire.CertX509Signature}
	wanted := false
	for _, p := range peers {
		if p.Method != Pubkey || p.Trust == nil {
			continue
		}
		wanted = true
		for _, hash := range CertReqHashes(p.Trust.roots) {
			known := slices.ContainsFunc(request.CAs, func(h []byte) bool { return slices.Equal(h, hash) })
			if !known && len(request.CAs) < maxCAs {
				request.CAs = append(request.CAs, hash)
			}
		}
	}
	return request, wanted
}
