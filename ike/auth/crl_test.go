package auth

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"
)

// believing is the root with revocation lists.
func believing(policy CRLPolicy, lists ...*x509.RevocationList) *Trust {
	return must(NewTrust([]*x509.Certificate{rootCA().cert}, lists, policy))
}

// TestCERT_Revocation: lists of every sort, under both policies.
func TestCERT_Revocation(t *testing.T) {
	end := rootCA().newEnd(host, nil)
	other := rootCA().newEnd("other", nil)
	stale := func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = now.Add(-2*time.Hour), now.Add(-time.Hour) }
	early := func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = now.Add(time.Hour), now.Add(2*time.Hour) }
	stranger := newRoot("Stranger", nil).crl(nil, end)
	for name, c := range map[string]struct {
		lists             []*x509.RevocationList
		ifPresent, strict bool // passes
	}{
		"no list":                   {nil, true, false},
		"fresh":                     {[]*x509.RevocationList{rootCA().crl(nil, other)}, true, true},
		"revoked":                   {[]*x509.RevocationList{rootCA().crl(nil, other, end)}, false, false},
		"stale":                     {[]*x509.RevocationList{rootCA().crl(stale)}, true, false},
		"stale and revoked":         {[]*x509.RevocationList{rootCA().crl(stale, end)}, false, false},
		"from the future":           {[]*x509.RevocationList{rootCA().crl(early)}, true, false},
		"stale, fresh":              {[]*x509.RevocationList{rootCA().crl(stale), rootCA().crl(nil)}, true, true},
		"fresh, revoked (RFC 4945)": {[]*x509.RevocationList{rootCA().crl(nil), rootCA().crl(stale, end)}, false, false},
		"list of another authority": {[]*x509.RevocationList{stranger}, true, false},
	} {
		for policy, good := range map[CRLPolicy]bool{CRLIfPresent: c.ifPresent, CRLStrict: c.strict} {
			_, _, err := believing(policy, c.lists...).Verify(chain(end), ident(host), now)
			if good && err != nil {
				t.Errorf("%s, %v: %v", name, policy, err)
			} else if !good {
				expect(t, name+", "+policy.String(), err, StageRevocation)
			}
		}
	}
}

// TestCERT_RevokedIntermediate: every certificate below the root is asked for, each at its own issuer, also where that issuer
// came with the chain.
func TestCERT_RevokedIntermediate(t *testing.T) {
	middle := rootCA().newCA("Middle", nil)
	end := middle.newEnd(host, nil)
	mine, his := rootCA().crl(nil), middle.crl(nil)
	if _, _, err := believing(CRLStrict, mine, his).Verify(chain(end, middle), ident(host), now); err != nil {
		t.Errorf("both lists: %v", err)
	}
	for name, trust := range map[string]*Trust{
		"list of the middle missing": believing(CRLStrict, mine),
		"list of the root missing":   believing(CRLStrict, his),
		"middle revoked":             believing(CRLIfPresent, rootCA().crl(nil, middle), his),
		"end revoked by the middle":  believing(CRLIfPresent, mine, middle.crl(nil, end)),
	} {
		_, _, err := trust.Verify(chain(end, middle), ident(host), now)
		expect(t, name, err, StageRevocation)
	}
	impostor := newRoot("Middle", nil).crl(nil, end)
	if _, _, err := believing(CRLIfPresent, impostor).Verify(chain(end, middle), ident(host), now); err != nil {
		t.Errorf("list signed by another of the same name: %v", err)
	}
}

// TestCERT_ListsRefused at load: a bad signature in an authority's name, delta lists and lists for a part (RFC 4945
// 5.2.2.4.1), critical extensions of an entry.
func TestCERT_ListsRefused(t *testing.T) {
	extend := func(oid ...int) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier(oid), Critical: true, Value: []byte{2, 1, 1}}}
		}
	}
	entry := func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{
			SerialNumber: nextSerial(), RevocationTime: now,
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}},
		}}
	}
	for name, c := range map[string]struct {
		list *x509.RevocationList
		word string
	}{
		"delta":              {rootCA().crl(extend(2, 5, 29, 27)), "2.5.29.27"},
		"distribution point": {rootCA().crl(extend(2, 5, 29, 28)), "2.5.29.28"},
		"indirect":           {rootCA().crl(entry), "2.5.29.29"},
		"bad signature":      {newRoot("Root CA", nil).crl(nil), "Root CA"},
	} {
		_, err := NewTrust([]*x509.Certificate{rootCA().cert}, []*x509.RevocationList{c.list}, CRLIfPresent)
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %s", name, err, c.word)
		}
	}
}
