package auth

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"stillwater/crypto/sign"
)

// Credential is a private key and the certificates that show whose it is. Immutable, safe for concurrent use as far as the
// key is; the standard library's are.
type Credential struct {
	Key   crypto.Signer
	Chain [][]byte          // DER, the key's own certificate first, then those that lead to an authority
	Leaf  *x509.Certificate // Chain[0]
}

// NewCredential checks that the key belongs to the first certificate and that both are of a kind we sign with. The chain is
// bounded as a peer's is (LIM-17).
func NewCredential(key crypto.Signer, chain [][]byte) (*Credential, error) {
	if key == nil || len(chain) == 0 {
		return nil, errors.New("credential needs a private key and a certificate")
	}
	if err := checkSizes(chain); err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if err := sign.CheckKey(leaf.PublicKey); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(leaf.PublicKey) {
		return nil, errors.New("private key does not belong to the certificate")
	}
	return &Credential{Key: key, Chain: slices.Clone(chain), Leaf: leaf}, nil
}

// LoadCredential reads a certificate file (PEM with the key's own certificate first and any others after it, or DER) and a
// private key file (PKCS #8, PKCS #1 or SEC 1; PEM or DER, not encrypted). The key file must not be open to group or others.
func LoadCredential(certFile, keyFile string) (*Credential, error) {
	chain, err := readBlocks(certFile, maxCertFile, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	key, err := readKeyFile(keyFile)
	if err != nil {
		return nil, err
	}
	c, err := NewCredential(key, chain)
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", certFile, keyFile, err)
	}
	return c, nil
}
