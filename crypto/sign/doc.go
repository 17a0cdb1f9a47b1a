// Package sign makes and verifies the signatures of IKEv2 AUTH payloads: the Digital Signature method of RFC 7427 (with
// EdDSA, RFC 8420), and the older methods that fix key and hash by number (RFC 7296 3.8, RFC 4754).
//
// What it refuses matters more than what it accepts. An AlgorithmIdentifier is compared with constants and never parsed, a
// PKCS #1 v1.5 signature is compared with a fresh encoding and never decoded, a hash that was not announced does not count,
// SHA-1 never does, and the key decides which schemes are open to it. There is no state: every function is pure and safe for
// concurrent use.
package sign
