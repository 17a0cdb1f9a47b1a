package sign

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestIKE090_Wycheproof runs the attacks that Project Wycheproof collects: every signature not marked valid is refused, the
// ones it calls acceptable included (PKCS #1 v1.5 without NULL).
func TestIKE090_Wycheproof(t *testing.T) {
	for _, s := range []Scheme{ECDSASHA256, ECDSASHA384, ECDSASHA512, Ed25519, RSAPSSSHA256, RSAPKCS1SHA256} {
		t.Run(s.String(), func(t *testing.T) {
			valid, invalid := runWycheproof(t, s, fmt.Sprintf("testdata/wycheproof_%v.txt", s))
			if valid < 7 || invalid < 7 {
				t.Errorf("%d valid and %d other vectors: some are missing", valid, invalid)
			}
		})
	}
}

// runWycheproof checks the vectors of a file and counts them.
func runWycheproof(t *testing.T, s Scheme, file string) (valid, invalid int) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pub crypto.PublicKey
	algorithm := s.AlgorithmIdentifier()
	for line := range strings.Lines(string(content)) {
		field := strings.Fields(line)
		switch {
		case field[0] == "#" || field[0] == "scheme":
		case field[0] == "key":
			if pub, err = x509.ParsePKIXPublicKey(unhex(t, field[1])); err != nil {
				t.Fatal(err)
			}
		default:
			msg, signature := unhex(t, strings.Trim(field[3], "-")), unhex(t, strings.Trim(field[4], "-"))
			data := slices.Concat([]byte{byte(len(algorithm))}, algorithm, signature)
			err := Verify(pub, data, msg, SupportedHashes())
			want := field[1] == "valid"
			if (err == nil) != want {
				t.Errorf("vector %s (%s, %s): %v", field[0], field[1], field[2], err)
			}
			if want {
				valid++
			} else {
				invalid++
			}
		}
	}
	return valid, invalid
}
