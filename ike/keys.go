package ike

import (
	"stillwater/crypto/ke"
	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// keyInputs is what the keys of a new IKE SA come from beside the shared secret (RFC 7296 2.14): copies for a worker.
type keyInputs struct {
	prf        prf.PRF
	suite      suite.IKE
	ni, nr     []byte
	spiI, spiR uint64
}

func (s *ikeSA) keyInputs() keyInputs {
	return keyInputs{s.prf, s.suite, s.setup.ni, s.setup.nr, s.spiI, s.spiR}
}

// keyResult is what a key exchange ends in.
type keyResult struct {
	public []byte // responder: for its KE payload
	keys   *prf.Keys
	err    error
}

// derive makes the seven keys and forgets the secret (RFC 7296 2.12, IKE-094).
func (in keyInputs) derive(secret []byte) (*prf.Keys, error) {
	defer clear(secret)
	seed := prf.Skeyseed(in.prf, in.ni, in.nr, secret)
	defer clear(seed)
	encr := in.suite.Encr.KeyLen + in.suite.Encr.SaltLen
	return prf.DeriveIKE(in.prf, seed, in.ni, in.nr, in.spiI, in.spiR, encr, in.suite.Integ.KeyLen)
}

// respondKE is the responder's job of IKE_SA_INIT.
func respondKE(in keyInputs, peer *wire.KE) func() any {
	return func() any {
		public, secret, err := ke.Respond(peer.Method, peer.Data)
		if err != nil {
			return keyResult{err: err}
		}
		keys, err := in.derive(secret)
		return keyResult{public: public, keys: keys, err: err}
	}
}

// finishKE is the initiator's.
func finishKE(in keyInputs, own *ke.Private, peer *wire.KE) func() any {
	return func() any {
		secret, err := own.Shared(peer.Data)
		if err != nil {
			return keyResult{err: err}
		}
		keys, err := in.derive(secret)
		return keyResult{keys: keys, err: err}
	}
}

// nonce is a fresh one: 32 octets, and never less than the PRF's key (RFC 7296 2.10 wants half).
func (e *Engine) nonce(prfLen int) []byte {
	b := make([]byte, max(32, prfLen))
	e.random(b)
	return b
}

// generated is what a worker that makes a key ends in.
type generated struct {
	private *ke.Private
	err     error
}

// makeKey has a worker make a fresh private value (IKE-049) and continues with it.
func (s *ikeSA) makeKey(method uint16, then func(now int64, private *ke.Private, err error)) {
	s.work(func() any {
		private, err := ke.Generate(method)
		return generated{private, err}
	}, func(now int64, result any) {
		r := result.(generated)
		then(now, r.private, r.err)
	})
}
