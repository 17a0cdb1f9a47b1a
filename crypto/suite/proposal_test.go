package suite

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestParseIKEProposal: proposals as strongSwan's documentation spells them, each with its canonical form.
func TestParseIKEProposal(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"aes128gcm16-aes256gcm16-prfsha256-x25519-ecp256", "aes128gcm16-aes256gcm16-prfsha256-x25519-ecp256"},
		{"aes256-sha256-modp2048", "aes256-sha256-prfsha256-modp2048"},
		{"aes128-aes256-sha512-sha256-modp3072", "aes128-aes256-sha512-sha256-prfsha512-prfsha256-modp3072"},
		{"aes256-sha256-prfsha512-ecp384", "aes256-sha256-prfsha512-ecp384"},
		{"aes256gcm16-sha384-ecp384", "aes256gcm16-prfsha384-ecp384"},
		{"curve25519-prfsha2_256-aes128gcm", "aes128gcm16-prfsha256-x25519"},
		{"aes-sha2_384-ecp521-modp4096", "aes128-sha384-prfsha384-ecp521-modp4096"},
		{"aes192gcm128-prfsha384-x25519", "aes192gcm16-prfsha384-x25519"},
	} {
		p, err := ParseIKEProposal(c.in)
		if err != nil || p.String() != c.want {
			t.Errorf("%q: %q, %v, want %q", c.in, p, err, c.want)
			continue
		}
		if again, err := ParseIKEProposal(c.want); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q: %+v, %v, want %+v", c.want, again, err, p)
		}
	}
}

// TestParseIKEProposalOrder: alternatives keep the order in which they are written.
func TestParseIKEProposalOrder(t *testing.T) {
	p, err := ParseIKEProposal("aes256-sha512-ecp256-aes128-sha256-prfsha512-x25519-prfsha256")
	if err != nil {
		t.Fatal(err)
	}
	var ids [4][]int
	for _, e := range p.Encr {
		ids[0] = append(ids[0], e.KeyBits)
	}
	for _, i := range p.Integ {
		ids[1] = append(ids[1], int(i.ID))
	}
	for _, f := range p.PRF {
		ids[2] = append(ids[2], int(f.ID))
	}
	for _, k := range p.KE {
		ids[3] = append(ids[3], int(k.ID))
	}
	if want := [4][]int{{256, 128}, {14, 12}, {7, 5}, {19, 31}}; !reflect.DeepEqual(ids, want) {
		t.Errorf("have %v, want %v", ids, want)
	}
}

func TestParseESPProposal(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"aes128gcm16-x25519-esn-noesn", "aes128gcm16-x25519-esn-noesn"},
		{"aes128gcm16", "aes128gcm16-esn-noesn"},
		{"aes256-sha256", "aes256-sha256-esn-noesn"},
		{"noesn-null-sha2_256_128", "null-sha256-noesn"},
		{"aes256gcm-chacha20poly1305-modp2048-none", "aes256gcm16-chacha20poly1305-modp2048-none-esn-noesn"},
		{"aes128gmac-aes256gcm16iiv-curve25519-modpnone-esn", "aes128gmac-aes256gcm16iiv-x25519-none-esn"},
	} {
		p, err := ParseESPProposal(c.in)
		if err != nil || p.String() != c.want {
			t.Errorf("%q: %q, %v, want %q", c.in, p, err, c.want)
			continue
		}
		if again, err := ParseESPProposal(c.want); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q: %+v, %v, want %+v", c.want, again, err, p)
		}
	}
}

// TestIKE069_SequenceNumbers: both kinds are offered unless the proposal insists on one, 64-bit numbers first.
func TestIKE069_SequenceNumbers(t *testing.T) {
	for in, want := range map[string][]uint16{
		"aes128gcm16":           {1, 0},
		"aes128gcm16-esn":       {1},
		"aes128gcm16-noesn":     {0},
		"aes128gcm16-noesn-esn": {0, 1},
	} {
		if p, err := ParseESPProposal(in); err != nil || !slices.Equal(p.SN, want) {
			t.Errorf("%q: %v, %v, want %v", in, p.SN, err, want)
		}
	}
}

// TestIKE066_AEADAndClassicApart: the matrix of AEAD and other ciphers, with and without an integrity algorithm.
func TestIKE066_AEADAndClassicApart(t *testing.T) {
	const (
		apart = "write two proposals"
		twice = "authenticates by itself: want no integrity algorithm"
		bare  = "does not authenticate: want an integrity algorithm, one of sha256, sha384, sha512"
	)
	for _, c := range []struct{ ciphers, want string }{
		{"aes256gcm16", ""},
		{"aes256gcm16-sha256", twice},
		{"aes256", bare},
		{"aes256-sha256", ""},
		{"aes256gcm16-aes256", apart},
		{"aes256-aes256gcm16-sha256", apart},
	} {
		_, ike := ParseIKEProposal(c.ciphers + "-prfsha256-x25519")
		_, esp := ParseESPProposal(c.ciphers + "-x25519")
		for protocol, err := range map[string]error{"IKE": ike, "ESP": esp} {
			if c.want == "" && err == nil {
				continue
			}
			var fault *ProposalError
			if !errors.As(err, &fault) || c.want == "" || !strings.Contains(fault.Reason, c.want) || fault.Protocol != protocol {
				t.Errorf("%s %q: error %v, want one with %q", protocol, c.ciphers, err, c.want)
			}
		}
	}
}

// TestIKE065_MandatoryTypes: a proposal without one of the types that its protocol demands says which.
func TestIKE065_MandatoryTypes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"aes256gcm16-prfsha256", `IKE proposal "aes256gcm16-prfsha256": no key exchange: want one of x25519, ecp256, `},
		{"aes256gcm16-x25519", "no PRF: want one of prfsha256, prfsha384, prfsha512"},
		{"prfsha256-x25519", "no encryption algorithm"},
		{"sha256-x25519", "no encryption algorithm"},
	} {
		if _, err := ParseIKEProposal(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %s", c.in, err, c.want)
		}
	}
	for _, in := range []string{"x25519", "esn", "sha256-noesn"} {
		if _, err := ParseESPProposal(in); err == nil || !strings.Contains(err.Error(), "no encryption algorithm") {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

// TestNamedTwice: an alias is the same word as its name.
func TestNamedTwice(t *testing.T) {
	for _, in := range []string{"aes128gcm16-aes128gcm-esn", "aes128gcm16-esn-esn", "aes128-sha256-sha2_256",
		"aes128gcm16-x25519-curve25519", "aes128gcm16-none-modpnone"} {
		_, err := ParseESPProposal(in)
		var fault *ProposalError
		if !errors.As(err, &fault) || !strings.HasSuffix(fault.Reason, "is named twice") {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

// TestALG004_Defaults: what is offered without configuration, as ike.md recommends it, and AES-128, which RFC 8247 2.1 asks
// for too and which peers are often limited to.
func TestALG004_Defaults(t *testing.T) {
	const ike = "-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-modp2048-modp3072"
	compare(t, DefaultIKE(), "aes256gcm16-aes128gcm16"+ike, "aes256-aes128-sha256"+ike)
	const esp = "-x25519-ecp256-ecp384-modp3072-modp2048-none-esn-noesn"
	compare(t, DefaultESP(), "aes256gcm16-aes128gcm16-chacha20poly1305"+esp, "aes256-aes128-sha256"+esp)
	DefaultESP()[0].SN[0] = 7
	if DefaultESP()[0].SN[0] != 1 {
		t.Error("a caller's change shows in the defaults")
	}
}

func compare[P interface{ String() string }](t *testing.T, have []P, want ...string) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%d proposals, want %d", len(have), len(want))
	}
	for i := range have {
		if have[i].String() != want[i] {
			t.Errorf("proposal %d is %q, want %q", i, have[i], want[i])
		}
	}
}
