package ike

import (
	"bytes"

	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
)

// nextIKE is an IKE SA to be, and what its keys come from (RFC 7296 2.18).
type nextIKE struct {
	suite      suite.IKE
	old        prf.PRF // SKEYSEED comes from the old SA's function
	prf        prf.PRF // and the keys from the new one's (IKE-093)
	skD        []byte
	ni, nr     []byte
	spiI, spiR uint64
}

// nextIKE gathers copies of what the keys of the next IKE SA come from.
func (s *ikeSA) nextIKE(st suite.IKE, ni, nr []byte, spiI, spiR uint64) (*nextIKE, error) {
	p, err := prf.New(st.PRF.ID)
	if err != nil {
		return nil, err
	}
	return &nextIKE{suite: st, old: s.prf, prf: p, skD: bytes.Clone(s.keys.D), ni: ni, nr: nr, spiI: spiI, spiR: spiR}, nil
}

// finish derives the keys from the shared secret and forgets it.
func (n *nextIKE) finish(secret []byte, err error) keyResult {
	defer clear(secret)
	defer clear(n.skD)
	if err != nil {
		return keyResult{err: err}
	}
	seed := prf.RekeySkeyseed(n.old, n.skD, secret, n.ni, n.nr)
	defer clear(seed)
	keys, err := prf.DeriveIKE(n.prf, seed, n.ni, n.nr, n.spiI, n.spiR, n.suite.Encr.KeyLen+n.suite.Encr.SaltLen, n.suite.Integ.KeyLen)
	return keyResult{keys: keys, err: err}
}
