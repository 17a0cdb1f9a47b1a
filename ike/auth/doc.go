// Package auth decides who the peer is and proves who we are: the AUTH payload of RFC 7296 2.15 with shared secrets and with
// signatures (RFC 7427, RFC 4754), identities, certificates with their revocation lists (RFC 4945), and the entries of the
// peer authorization database (RFC 4301 4.4.3).
//
// The database says for each peer who it may be (Pattern), how it must prove that (Method, secret or Trust) and which
// addresses it may then speak for. VerifyAuth follows it and nothing the peer says: a peer that owes a signature cannot pay
// with a shared secret, and a certificate counts for the identity inside it only. What went wrong is an *Error for the
// operator; the peer learns nothing but AUTHENTICATION_FAILED (IKE-100).
//
// Nothing is fetched: no OCSP, no CRL over HTTP, no hash-and-URL (HAZ-19). Certificates are parsed by crypto/x509 after a size
// check and by nothing else (HAZ-18). There is no state beside what was loaded; signing and verifying take 50 us to some ms
// and may run on any goroutine.
package auth
