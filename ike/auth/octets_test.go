package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"stillwater/crypto/prf"
	"stillwater/ike/wire"
)

// octetString is hexadecimal in JSON.
type octetString []byte

// UnmarshalText decodes the digits.
func (o *octetString) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// pskVectors are AUTH values that another implementation computed.
type pskVectors struct {
	Vectors []struct {
		PRF        uint16
		PSK        string
		Msg1, Msg2 octetString
		Ni, Nr     octetString
		SKPi       octetString `json:"sk_pi"`
		SKPr       octetString `json:"sk_pr"`
		SKPi1      octetString `json:"sk_pi1"` // of the keys after IKE_INTERMEDIATE
		SKPr1      octetString `json:"sk_pr1"`
		IDi, IDr   octetString
		IntAuth    octetString
		AuthI      octetString `json:"auth_i"`
		AuthR      octetString `json:"auth_r"`
		WithIntI   octetString `json:"auth_i_intauth"`
		WithIntR   octetString `json:"auth_r_intauth"`
	}
}

// TestIKE083_SharedSecretVectors: both ends' AUTH, without and with IntAuth at the end of the octets (KAT-08, IKE-084).
func TestIKE083_SharedSecretVectors(t *testing.T) {
	var file pskVectors
	if err := json.Unmarshal(must(os.ReadFile("testdata/auth_psk.json")), &file); err != nil || len(file.Vectors) != 3 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		p := must(prf.New(v.PRF))
		for name, c := range map[string]struct{ octets, want []byte }{
			"initiator":          {SignedOctets(p, v.Msg1, v.Nr, v.SKPi, v.IDi), v.AuthI},
			"responder":          {SignedOctets(p, v.Msg2, v.Ni, v.SKPr, v.IDr), v.AuthR},
			"initiator, IntAuth": {SignedOctets(p, v.Msg1, v.Nr, v.SKPi1, v.IDi, v.IntAuth), v.WithIntI},
			"responder, IntAuth": {SignedOctets(p, v.Msg2, v.Ni, v.SKPr1, v.IDr, v.IntAuth), v.WithIntR},
		} {
			got := AuthPSK(p, []byte(v.PSK), c.octets)
			if got.Method != wire.AuthPSK || !bytes.Equal(got.Data, c.want) {
				t.Errorf("prf %d, %s: %x, want %x", v.PRF, name, got.Data, c.want)
			}
		}
	}
}

// TestIKE083_ReservedOctets: RESERVED of an ID payload is covered as it came, zero or not.
func TestIKE083_ReservedOctets(t *testing.T) {
	message, nonce, key := []byte("message"), []byte("nonce"), []byte("SK_p")
	id := wire.ID{IDType: wire.IDFQDN, Reserved: [3]byte{1, 2, 3}, Data: []byte("a.example")}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("\x02\x01\x02\x03a.example"))
	want := slices.Concat(message, nonce, mac.Sum(nil), []byte("IntAuth"), []byte("more"))
	got := SignedOctets(sha256PRF(), message, nonce, key, id.Body(), []byte("IntAuth"), []byte("more"))
	if !bytes.Equal(got, want) {
		t.Errorf("octets %x, want %x", got, want)
	}
	if string(message) != "message" || string(nonce) != "nonce" {
		t.Error("inputs were written to")
	}
}
