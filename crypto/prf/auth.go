package prf

// keyPad is what makes a key of a shared secret that people may have chosen; 17 octets, no NUL at the end (RFC 7296
// 2.15).
var keyPad = []byte("Key Pad for IKEv2")

// PSKAuth is AUTH = prf(prf(psk, "Key Pad for IKEv2"), octets) of a side that authenticates with a shared key, octets
// being its signed octets (RFC 7296 2.15). Compare it in constant time.
func PSKAuth(p PRF, psk, octets []byte) []byte {
	key := p.Sum(make([]byte, 0, p.len), psk, keyPad)
	defer clear(key)
	return p.Sum(make([]byte, 0, p.len), key, octets)
}
