package auth

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// PSKs is a table of shared secrets by the identities of both ends, for secrets that are kept apart from connections. It is
// filled first; then it is immutable and safe for concurrent use.
type PSKs struct {
	exact    map[[2]string][]byte
	patterns []pskRow
}

// pskRow is a secret for a set of identities.
type pskRow struct {
	local, remote Pattern
	secret        []byte
}

// NewPSKs is an empty table.
func NewPSKs() *PSKs { return &PSKs{exact: make(map[[2]string][]byte)} }

// Add gives a pair of identities its secret, which is not copied. A secret for everybody, an empty one, or a second one for
// the same pair of single identities is refused.
func (t *PSKs) Add(local, remote Pattern, secret []byte) error {
	if len(secret) == 0 {
		return fmt.Errorf("shared secret for %v and %v is empty", local, remote)
	}
	if remote.IsAny() || remote.kind == matchNothing || local.kind == matchNothing {
		return fmt.Errorf("shared secret for %v and %v: want a remote identity", local, remote)
	}
	l, localExact := local.Exact()
	r, remoteExact := remote.Exact()
	if !localExact || !remoteExact {
		t.patterns = append(t.patterns, pskRow{local, remote, secret})
		return nil
	}
	pair := [2]string{l.Key(), r.Key()}
	if t.exact[pair] != nil {
		return fmt.Errorf("shared secret for %v and %v is there twice", local, remote)
	}
	t.exact[pair] = secret
	return nil
}

// Lookup is the secret of a pair: that of exactly these identities, else the first added of a pattern that admits both. Where
// there is none it gives a random secret and false, so that the caller can do the same work and fail the same way (IKE-100);
// every pattern is looked at in any case.
func (t *PSKs) Lookup(local, remote Identity) (secret []byte, ok bool) {
	secret = decoy()
	for _, row := range t.patterns {
		if row.local.Match(local) && row.remote.Match(remote) && !ok {
			secret, ok = row.secret, true
		}
	}
	if exact := t.exact[[2]string{local.Key(), remote.Key()}]; exact != nil {
		secret, ok = exact, true
	}
	return secret, ok
}

// Wipe overwrites all secrets. The table must not be in use.
func (t *PSKs) Wipe() {
	for _, secret := range t.exact {
		clear(secret)
	}
	for _, row := range t.patterns {
		clear(row.secret)
	}
}

// ParsePSK reads a shared secret from the content of a file: 0x and hexadecimal digits, or text that is taken as it is but
// for one newline at its end. No NUL is added (IKE-084). The error does not show the content. The result is a copy.
func ParsePSK(content []byte) ([]byte, error) {
	content = bytes.TrimSuffix(content, []byte("\n"))
	content = bytes.TrimSuffix(content, []byte("\r"))
	secret := bytes.Clone(content)
	if digits, ok := bytes.CutPrefix(content, []byte("0x")); ok {
		secret = make([]byte, hex.DecodedLen(len(digits)))
		if n, err := hex.Decode(secret, digits); err != nil || 2*n != len(digits) {
			return nil, errors.New("shared secret after 0x is not pairs of hexadecimal digits")
		}
	}
	if len(secret) == 0 {
		return nil, errors.New("shared secret is empty")
	}
	return secret, nil
}
