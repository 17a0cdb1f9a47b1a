package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	scheme "stillwater/crypto/sign"
	"stillwater/ike/wire"
)

var host = "b.example.org"

// TestCERT_Chain: a path to the root through intermediates in any order, and none without them.
func TestCERT_Chain(t *testing.T) {
	first := rootCA().newCA("First", nil)
	second := first.newCA("Second", nil)
	end := second.newEnd(host, nil)
	trust := trusting(rootCA())
	for name, c := range map[string][][]byte{
		"in order":        chain(end, second, first),
		"reversed":        chain(end, first, second),
		"with root":       chain(end, second, first, rootCA()),
		"with a stranger": chain(end, newRoot("Other", nil), second, first),
		"with garbage":    append(chain(end, second, first), []byte("no certificate")),
	} {
		key, info, err := trust.Verify(c, ident(host), now)
		if err != nil || !end.key.Public().(*ecdsa.PublicKey).Equal(key) || info.Issuer != "O=Stillwater Test, CN=Second" {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for name, c := range map[string][][]byte{
		"nothing":              nil,
		"empty":                {{}},
		"garbage":              {[]byte("no certificate")},
		"trailing octet":       {append(slices.Clone(end.cert.Raw), 0)},
		"intermediate missing": chain(end, second),
		"another root":         chain(newRoot("Root CA", nil).newEnd(host, nil)),
		"end below an end":     chain(issue(end, newKey(), endTemplate(host), nil), end, second, first),
	} {
		_, _, err := trust.Verify(c, ident(host), now)
		expect(t, name, err, StageCertificate)
	}
}

// TestCERT_Validity: nothing in the path may be expired or not valid yet; Info gives the earliest end.
func TestCERT_Validity(t *testing.T) {
	short := rootCA().newCA("Short", func(c *x509.Certificate) { c.NotAfter = now.Add(time.Hour) })
	end := short.newEnd(host, nil)
	trust := trusting(rootCA())
	_, info, err := trust.Verify(chain(end, short), ident(host), now)
	if err != nil || !info.NotAfter.Equal(now.Add(time.Hour)) {
		t.Errorf("valid: %v, %v", info, err)
	}
	for name, at := range map[string]time.Time{"expired": now.Add(2 * time.Hour), "not yet": now.AddDate(-2, 0, 0)} {
		_, _, err := trust.Verify(chain(end, short), ident(host), at)
		expect(t, name, err, StageCertificate)
	}
}

// TestCERT_Usage: RFC 4945 5.1.3.2 and 5.1.3.12; purposes of TLS pass where the extension is not critical.
func TestCERT_Usage(t *testing.T) {
	oid := func(n ...int) asn1.ObjectIdentifier { return n }
	critical := func(purpose asn1.ObjectIdentifier) func(*x509.Certificate) {
		value := must(asn1.Marshal([]asn1.ObjectIdentifier{purpose}))
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: oid(2, 5, 29, 37), Critical: true, Value: value}}
		}
	}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		good   bool
	}{
		"no usage":         {func(c *x509.Certificate) { c.KeyUsage = 0 }, true},
		"non-repudiation":  {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }, true},
		"key encipherment": {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, false},
		"any purpose":      {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, true},
		"ipsecIKE": {func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oid(1, 3, 6, 1, 5, 5, 7, 3, 17)}
		}, true},
		"server and ipsecIKE": {func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oid(1, 3, 6, 1, 5, 5, 7, 3, 17)}
		}, true},
		"server, as strongSwan's gateways": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, true},
		"client":                           {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, true},
		"server, critical":                 {critical(oid(1, 3, 6, 1, 5, 5, 7, 3, 1)), false},
		"ipsecIKE, critical":               {critical(oid(1, 3, 6, 1, 5, 5, 7, 3, 17)), true},
		"ikeIntermediate": {func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oid(1, 3, 6, 1, 5, 5, 8, 2, 2)}
		}, true},
		"e-mail":       {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, false},
		"ipsecTunnel":  {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageIPSECTunnel} }, false},
		"code signing": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, false},
	} {
		_, _, err := trusting(rootCA()).Verify(chain(rootCA().newEnd(host, c.change)), ident(host), now)
		if c.good && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !c.good {
			expect(t, name, err, StageCertificate)
		}
	}
}

// TestIKE091_Binding: which identities a certificate proves (RFC 4945 3.1): equal, not alike.
func TestIKE091_Binding(t *testing.T) {
	end := rootCA().newEnd(host, func(c *x509.Certificate) {
		c.DNSNames = append(c.DNSNames, "*.wild.example.org")
		c.IPAddresses = append(c.IPAddresses, net.IP{198, 51, 100, 7})
	})
	for text, good := range map[string]bool{
		"b.example.org":                       true,
		"B.Example.ORG":                       true,
		"admin@b.example.org":                 true,
		"192.0.2.1":                           true,
		"198.51.100.7":                        true,
		"2001:db8::1":                         true,
		"O=Stillwater Test, CN=b.example.org": true,
		"o=stillwater test, cn=B.example.org": true,
		"example.org":                         false,
		"a.wild.example.org":                  false, // no wildcards here
		"email:b.example.org":                 false,
		"@admin@b.example.org":                false,
		"192.0.2.2":                           false,
		"::ffff:192.0.2.1":                    false,
		"@192.0.2.1":                          false,
		"CN=b.example.org":                    false,
		"CN=b.example.org, O=Stillwater Test": false,
		"O=Stillwater Test, CN=b.example.org, OU=Sudo": false,
		"keyid:b.example.org":                          false,
	} {
		_, info, err := trusting(rootCA()).Verify(chain(end), ident(text), now)
		if good && (err != nil || !info.Identity.Equal(ident(text))) {
			t.Errorf("%s: %v, %v", text, info, err)
		} else if !good {
			expect(t, text, err, StageBinding)
		}
	}
}

// TestIKE091_CommonNameIsNoName: a certificate without alternative names proves its subject only, and one without subject
// not even the empty one.
func TestIKE091_CommonNameIsNoName(t *testing.T) {
	bare := func(c *x509.Certificate) { c.DNSNames, c.EmailAddresses, c.IPAddresses = nil, nil, nil }
	_, _, err := trusting(rootCA()).Verify(chain(rootCA().newEnd(host, bare)), ident(host), now)
	expect(t, "common name", err, StageBinding)
	nameless := rootCA().newEnd(host, func(c *x509.Certificate) { c.Subject = pkix.Name{} })
	_, _, err = trusting(rootCA()).Verify(chain(nameless), ident("O=Stillwater Test, CN=b.example.org"), now)
	expect(t, "no subject", err, StageBinding)
}

// TestLIM17_Sizes: 8 certificates of 32 KiB are looked at, no more, and that before parsing; paths have 6 certificates.
func TestLIM17_Sizes(t *testing.T) {
	end := rootCA().newEnd(host, nil)
	trust := trusting(rootCA())
	filler := slices.Repeat([][]byte{{0}}, 7)
	if _, _, err := trust.Verify(append(chain(end), filler...), ident(host), now); err != nil {
		t.Errorf("8 certificates: %v", err)
	}
	_, _, err := trust.Verify(append(chain(end), append(filler, []byte{0})...), ident(host), now)
	expect(t, "9 certificates", err, StageCertificate)
	_, _, err = trust.Verify(append(chain(end), make([]byte, 32<<10+1)), ident(host), now)
	expect(t, "32 KiB and an octet", err, StageCertificate)

	for depth, good := range map[int]bool{6: true, 7: false} {
		list := []*authority{rootCA()}
		for len(list) < depth-1 {
			list = append([]*authority{list[0].newCA(fmt.Sprint("CA ", len(list)), nil)}, list...)
		}
		list = append([]*authority{list[0].newEnd(host, nil)}, list...)
		_, _, err := trust.Verify(chain(list...), ident(host), now)
		if good && err != nil {
			t.Errorf("path of %d: %v", depth, err)
		} else if !good {
			expect(t, fmt.Sprintf("path of %d", depth), err, StageCertificate)
		}
	}
}

// TestHAZ17_Keys: certificates whose key is degenerate, of an unknown curve or huge, as signer, on the path and as root.
func TestHAZ17_Keys(t *testing.T) {
	end := func(pub any) []byte {
		template := endTemplate(host)
		template.SerialNumber, template.NotBefore = nextSerial(), now.AddDate(-1, 0, 0)
		return must(x509.CreateCertificate(rand.Reader, template, rootCA().cert, pub, rootCA().key))
	}
	huge := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 16383), big.NewInt(1))
	normal := end(keyRSA().Public())
	evenExponent := bytes.Replace(normal, []byte{2, 3, 1, 0, 1}, []byte{2, 3, 1, 0, 0}, 1)
	zeroExponent := bytes.Replace(normal, []byte{2, 3, 1, 0, 1}, []byte{2, 3, 0, 0, 0}, 1)
	for name, der := range map[string][]byte{
		"P-224":         end(must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).Public()),
		"RSA 16384":     end(&rsa.PublicKey{N: huge, E: 65537}),
		"RSA 1024":      end(&rsa.PublicKey{N: new(big.Int).Rsh(huge, 15360), E: 65537}),
		"even exponent": evenExponent,
		"zero exponent": zeroExponent,
	} {
		_, _, err := trusting(rootCA()).Verify([][]byte{der}, ident(host), now)
		expect(t, name, err, StageCertificate)
		good := rootCA().newEnd(host, nil)
		if _, _, err := trusting(rootCA()).Verify([][]byte{good.cert.Raw, der}, ident(host), now); err != nil {
			t.Errorf("%s as an offer for the path: %v", name, err)
		}
	}
	p224 := issue(rootCA(), must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), caTemplate("P-224"), nil)
	_, _, err := trusting(rootCA()).Verify(chain(p224.newEnd(host, nil), p224), ident(host), now)
	expect(t, "P-224 on the path", err, StageCertificate)
	weak := must(x509.ParseCertificate(end(&rsa.PublicKey{N: huge, E: 65537})))
	if _, err := NewTrust([]*x509.Certificate{weak}, nil, CRLIfPresent); !errors.Is(err, scheme.ErrKey) {
		t.Errorf("huge root: %v", err)
	}
}

// TestHAZ20_NameConstraints of an intermediate: names outside what it may issue for are refused.
func TestHAZ20_NameConstraints(t *testing.T) {
	limited := rootCA().newCA("Limited", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical = true
		c.PermittedDNSDomains, c.ExcludedDNSDomains = []string{"example.org"}, []string{"secret.example.org"}
		c.ExcludedEmailAddresses = []string{"secret.example.org"}
		c.ExcludedIPRanges = []*net.IPNet{{IP: net.IP{198, 51, 100, 0}, Mask: net.CIDRMask(24, 32)}}
	})
	for text, good := range map[string]bool{
		"b.example.org": true, "b.secret.example.org": false, "example.net": false, "198.51.100.7": false,
		"root@secret.example.org": false,
	} {
		id := ident(text)
		end := limited.newEnd("b.example.org", func(c *x509.Certificate) {
			switch id.Type {
			case wire.IDFQDN:
				c.DNSNames = []string{text}
			case wire.IDIPv4:
				c.IPAddresses = []net.IP{id.Data}
			default:
				c.EmailAddresses = []string{text}
			}
		})
		_, _, err := trusting(rootCA()).Verify(chain(end, limited), id, now)
		if good && err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !good {
			expect(t, text, err, StageCertificate)
		}
	}
}

// TestHAZ20_ExcludedDirectoryName (CVE-2026-35331): the standard library cannot check these, so critical or not they end the
// path.
func TestHAZ20_ExcludedDirectoryName(t *testing.T) {
	name := must(asn1.Marshal(pkix.Name{Organization: []string{"Stillwater Test"}}.ToRDNSequence()))
	wrap := func(tag byte, b []byte) []byte { return append([]byte{tag, byte(len(b))}, b...) }
	value := wrap(0x30, wrap(0xa1, wrap(0x30, wrap(0xa4, name))))
	for _, critical := range []bool{true, false} {
		ca := rootCA().newCA("No Stillwater", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: critical, Value: value}}
		})
		_, _, err := trusting(rootCA()).Verify(chain(ca.newEnd(host, nil), ca), ident(host), now)
		expect(t, fmt.Sprintf("critical %t", critical), err, StageCertificate)
	}
}

// TestHAZ18_UnknownCriticalExtension and a path length that is exceeded end a path too.
func TestHAZ18_UnknownCriticalExtension(t *testing.T) {
	end := rootCA().newEnd(host, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	})
	_, _, err := trusting(rootCA()).Verify(chain(end), ident(host), now)
	expect(t, "unknown critical extension", err, StageCertificate)
	last := rootCA().newCA("Last", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	more := last.newCA("One more", nil)
	_, _, err = trusting(rootCA()).Verify(chain(more.newEnd(host, nil), more, last), ident(host), now)
	expect(t, "path length", err, StageCertificate)
}

// TestCERT_Pinned: a certificate that is no authority is believed for itself, and for nothing it signs.
func TestCERT_Pinned(t *testing.T) {
	pinned := issue(nil, newKey(), endTemplate(host), nil)
	if _, _, err := trusting(pinned).Verify(chain(pinned), ident(host), now); err != nil {
		t.Errorf("itself: %v", err)
	}
	below := issue(pinned, newKey(), endTemplate(host), nil)
	_, _, err := trusting(pinned).Verify(chain(below), ident(host), now)
	expect(t, "below it", err, StageCertificate)
}

// TestCERT_RequestedAuthorities: SHA-1 of the SubjectPublicKeyInfo, each once, and whether anybody wants certificates at all.
func TestCERT_RequestedAuthorities(t *testing.T) {
	_, psk := pskPair()
	_, one := certPair()
	two := &Peer{Method: Pubkey, Trust: trusting(rootCA(), newRoot("Two", nil))}
	if r, wanted := CertReq(psk, &Peer{Method: Pubkey}); wanted || len(r.CAs) != 0 {
		t.Errorf("secrets only: %v", r)
	}
	r, wanted := CertReq(psk, one, two)
	if !wanted || r.Encoding != wire.CertX509Signature || len(r.CAs) != 2 || len(r.CAs[0]) != 20 {
		t.Errorf("%t, %v", wanted, r)
	}
	if got := two.Trust.Roots(); len(got) != 2 || !got[0].Equal(rootCA().cert) {
		t.Errorf("roots %v", got)
	}
	if _, err := NewTrust(nil, nil, CRLIfPresent); err == nil || !strings.Contains(err.Error(), "needs a certificate") {
		t.Errorf("no root: %v", err)
	}
}
