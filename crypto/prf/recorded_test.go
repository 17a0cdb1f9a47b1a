package prf

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// blob is a string of octets that JSON spells in hexadecimal.
type blob []byte

func (b *blob) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

//go:embed testdata/recorded.json
var recordedJSON []byte

// recorded is what strongSwan logged of one IKE SA.
type recorded struct {
	Name   string
	PRF    uint16
	SPII   blob `json:"spi_i"`
	SPIR   blob `json:"spi_r"`
	Ni, Nr blob
	Keys   logged
	Next   *logged `json:"next_keys"`
	Keymat blob
}

// logged is one key hierarchy of an IKE SA. All of them used AES-GCM.
type logged struct {
	Secret   blob
	Skeyseed blob
	D        blob `json:"sk_d"`
	Ei       blob `json:"sk_ei"`
	Er       blob `json:"sk_er"`
	Pi       blob `json:"sk_pi"`
	Pr       blob `json:"sk_pr"`
}

// check compares the seven keys that follow from a SKEYSEED with the log.
func (s *recorded) check(t *testing.T, p PRF, skeyseed []byte, want *logged) {
	t.Helper()
	if !bytes.Equal(skeyseed, want.Skeyseed) {
		t.Errorf("SKEYSEED is %x, want %x", skeyseed, want.Skeyseed)
	}
	spiI, spiR := binary.BigEndian.Uint64(s.SPII), binary.BigEndian.Uint64(s.SPIR)
	k := must(DeriveIKE(p, skeyseed, s.Ni, s.Nr, spiI, spiR, len(want.Ei), 0))(t)
	for name, pair := range map[string][2][]byte{
		"SK_d": {k.D, want.D}, "SK_ai": {k.Ai, nil}, "SK_ar": {k.Ar, nil}, "SK_ei": {k.Ei, want.Ei}, "SK_er": {k.Er, want.Er},
		"SK_pi": {k.Pi, want.Pi}, "SK_pr": {k.Pr, want.Pr},
	} {
		if !bytes.Equal(pair[0], pair[1]) {
			t.Errorf("%s is %x, want %x", name, pair[0], pair[1])
		}
	}
}

// TestRecordedSAs proves IKE-081, IKE-093 and IKE-092 against strongSwan: SKEYSEED and the keys of the IKE SA, those
// after an additional key exchange, and the keys of the first Child SA.
func TestRecordedSAs(t *testing.T) {
	var sas []recorded
	if err := json.Unmarshal(recordedJSON, &sas); err != nil || len(sas) != 6 {
		t.Fatalf("%d sas, %v, want 6", len(sas), err)
	}
	for _, s := range sas {
		t.Run(s.Name, func(t *testing.T) {
			p := must(New(s.PRF))(t)
			s.check(t, p, Skeyseed(p, s.Ni, s.Nr, s.Keys.Secret), &s.Keys)
			last := &s.Keys
			if s.Next != nil {
				s.check(t, p, RekeySkeyseed(p, s.Keys.D, s.Next.Secret, s.Ni, s.Nr), s.Next)
				last = s.Next
			}
			keymat := must(Keymat(p, last.D, nil, s.Ni, s.Nr, len(s.Keymat)))(t)
			if !bytes.Equal(keymat, s.Keymat) {
				t.Errorf("KEYMAT is %x, want %x", keymat, s.Keymat)
			}
		})
	}
}
