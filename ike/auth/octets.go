package auth

import (
	"slices"

	"stillwater/crypto/prf"
	"stillwater/ike/wire"
)

// SignedOctets is what an end of the exchange signs or authenticates (RFC 7296 2.15, IKE-083): its own IKE_SA_INIT message
// from the SPI to the end, as last sent and without the marker of port 4500; the other end's nonce; prf(SK_p of its own,
// body of its own ID payload), RESERVED octets as they were on the wire; then what extensions add, such as IntAuth (RFC 9242
// 3.3.2). Each end has octets of its own.
func SignedOctets(p prf.PRF, realMessage, peerNonce, skP, idBody []byte, extra ...[]byte) []byte {
	octets := slices.Concat(realMessage, peerNonce)
	octets = p.Sum(octets, skP, idBody)
	return append(octets, slices.Concat(extra...)...)
}

// AuthPSK is the AUTH payload of the shared-secret method over our own octets (IKE-084).
func AuthPSK(p prf.PRF, psk, octets []byte) wire.Auth {
	return wire.Auth{Method: wire.AuthPSK, Data: prf.PSKAuth(p, psk, octets)}
}
