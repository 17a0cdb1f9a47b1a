package prf

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"testing"
)

//go:embed testdata/crosscheck.json
var crosscheckJSON []byte

// crosscheck is one run of the other program, for AES-256-GCM and one PRF.
type crosscheck struct {
	PRF      string
	Ni, Nr   blob
	SPIi     blob
	SPIr     blob
	Secret   blob `json:"g_ir"`
	Skeyseed blob
	Keys     map[string]blob
	AuthPSK  struct {
		PSK        string
		Msg1, Msg2 blob
		IDi        blob `json:"IDi_body"`
		IDr        blob `json:"IDr_body"`
		I          blob `json:"AUTH_i"`
		R          blob `json:"AUTH_r"`
	} `json:"auth_psk"`
	Child struct {
		Keymat blob
		PFS    blob `json:"KEYMAT_pfs"`
	}
	Rekey struct{ Skeyseed blob } `json:"rekey_ike"`
}

// runs calls f with each run.
func runs(t *testing.T, f func(t *testing.T, p PRF, c crosscheck)) {
	t.Helper()
	var all []crosscheck
	if err := json.Unmarshal(crosscheckJSON, &all); err != nil || len(all) != 3 {
		t.Fatalf("%d runs, %v, want 3", len(all), err)
	}
	ids := map[string]uint16{"sha256": 5, "sha384": 6, "sha512": 7}
	for _, c := range all {
		t.Run(c.PRF, func(t *testing.T) { f(t, must(New(ids[c.PRF]))(t), c) })
	}
}

// compare is an error where two strings of octets differ.
func compare(t *testing.T, name string, have, want []byte) {
	t.Helper()
	if !bytes.Equal(have, want) {
		t.Errorf("%s is %x, want %x", name, have, want)
	}
}

func TestIKE081_Keys(t *testing.T) {
	runs(t, func(t *testing.T, p PRF, c crosscheck) {
		skeyseed := Skeyseed(p, c.Ni, c.Nr, c.Secret)
		compare(t, "SKEYSEED", skeyseed, c.Skeyseed)
		spiI, spiR := binary.BigEndian.Uint64(c.SPIi), binary.BigEndian.Uint64(c.SPIr)
		k := must(DeriveIKE(p, skeyseed, c.Ni, c.Nr, spiI, spiR, 36, 0))(t)
		for name, have := range map[string][]byte{
			"SK_d": k.D, "SK_ai": k.Ai, "SK_ar": k.Ar, "SK_ei": k.Ei, "SK_er": k.Er, "SK_pi": k.Pi, "SK_pr": k.Pr,
		} {
			compare(t, name, have, c.Keys[name])
		}
	})
}

func TestIKE092_Keymat(t *testing.T) {
	runs(t, func(t *testing.T, p PRF, c crosscheck) {
		skD := c.Keys["SK_d"]
		compare(t, "KEYMAT", must(Keymat(p, skD, nil, c.Ni, c.Nr, 72))(t), c.Child.Keymat)
		compare(t, "KEYMAT with a key exchange", must(Keymat(p, skD, c.Secret, c.Ni, c.Nr, 72))(t), c.Child.PFS)
	})
}

func TestIKE093_RekeySkeyseed(t *testing.T) {
	runs(t, func(t *testing.T, p PRF, c crosscheck) {
		compare(t, "SKEYSEED", RekeySkeyseed(p, c.Keys["SK_d"], c.Secret, c.Ni, c.Nr), c.Rekey.Skeyseed)
	})
}

// TestIKE093_OldAndNewPRF: SKEYSEED has the old PRF's length, whatever the new one is, and the new one expands it.
func TestIKE093_OldAndNewPRF(t *testing.T) {
	runs(t, func(t *testing.T, old PRF, c crosscheck) {
		each(t, func(t *testing.T, p PRF) {
			skeyseed := RekeySkeyseed(old, c.Keys["SK_d"], c.Secret, c.Ni, c.Nr)
			compare(t, "SKEYSEED", skeyseed, c.Rekey.Skeyseed)
			k := must(DeriveIKE(p, skeyseed, c.Ni, c.Nr, 1, 2, 16, 32))(t)
			spis := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1}
			compare(t, "first block", append(append(append(k.D, k.Ai...), k.Ar...), k.Ei...)[:p.Len()],
				p.Sum(nil, skeyseed, c.Ni, c.Nr, spis))
		})
	})
}

// TestIKE084_PSKAuth: the AUTH values of both sides over the octets that each signs.
func TestIKE084_PSKAuth(t *testing.T) {
	runs(t, func(t *testing.T, p PRF, c crosscheck) {
		psk := []byte(c.AuthPSK.PSK)
		signedI := bytes.Join([][]byte{c.AuthPSK.Msg1, c.Nr, p.Sum(nil, c.Keys["SK_pi"], c.AuthPSK.IDi)}, nil)
		signedR := bytes.Join([][]byte{c.AuthPSK.Msg2, c.Ni, p.Sum(nil, c.Keys["SK_pr"], c.AuthPSK.IDr)}, nil)
		compare(t, "the initiator's AUTH", PSKAuth(p, psk, signedI), c.AuthPSK.I)
		compare(t, "the responder's AUTH", PSKAuth(p, psk, signedR), c.AuthPSK.R)
	})
}
