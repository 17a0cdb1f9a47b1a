package auth

import (
	"crypto/x509"
	"encoding/binary"
	"testing"
	"time"
)

// TestPathsAreRemembered: a chain that was believed costs no signature again, for the same octets only.
func TestPathsAreRemembered(t *testing.T) {
	root := newRoot("root", nil)
	middle := root.newCA("middle", nil)
	end := middle.newEnd("a.example.org", nil)
	trust := trusting(root)
	for range 3 {
		if _, _, err := trust.Verify(chain(end, middle), ident("a.example.org"), now); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(trust.paths.known); n != 1 {
		t.Errorf("%d paths are known, want 1", n)
	}
	first, _ := trust.pathOf(chain(end, middle), now)
	again, err := trust.pathOf(chain(end, middle), now)
	if err != nil || first[0] != again[0] {
		t.Errorf("the path was made anew: %v", err)
	}
	if _, _, err := trust.Verify(chain(end), ident("a.example.org"), now); err == nil {
		t.Error("the leaf alone was believed, although its authority is missing")
	}
	if _, _, err := trust.Verify(chain(end, middle), ident("b.example.org"), now); err == nil {
		t.Error("a remembered path was believed for another identity")
	}
}

// TestCERT_RememberedPathsExpire: validity and revocation are looked at each time.
func TestCERT_RememberedPathsExpire(t *testing.T) {
	root := newRoot("root", nil)
	end := root.newEnd("a.example.org", func(c *x509.Certificate) { c.NotAfter = now.Add(30 * time.Minute) })
	list := root.crl(nil) // valid for an hour
	for name, c := range map[string]struct {
		trust *Trust
		then  time.Time
	}{
		"certificate": {trusting(root), now.Add(31 * time.Minute)},
		"before":      {trusting(root), now.AddDate(-2, 0, 0)},
		"list":        {must(NewTrust([]*x509.Certificate{root.cert}, []*x509.RevocationList{list}, CRLStrict)), now.Add(2 * time.Hour)},
	} {
		if _, _, err := c.trust.Verify(chain(end), ident("a.example.org"), now); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, _, err := c.trust.Verify(chain(end), ident("a.example.org"), c.then); err == nil {
			t.Errorf("%s: believed at %v", name, c.then)
		}
		if _, _, err := c.trust.Verify(chain(end), ident("a.example.org"), now); err != nil {
			t.Errorf("%s: not believed any more at the time it was good: %v", name, err)
		}
	}
}

// TestRefusedChainsAreForgotten: strangers leave nothing behind, and friends no more than there is room for.
func TestRefusedChainsAreForgotten(t *testing.T) {
	trust := trusting(newRoot("root", nil))
	stranger := newRoot("stranger", nil).newEnd("a.example.org", nil)
	if _, _, err := trust.Verify(chain(stranger), ident("a.example.org"), now); err == nil {
		t.Fatal("a stranger was believed")
	}
	if len(trust.paths.known) != 0 {
		t.Error("a stranger's chain is remembered")
	}
	var digest [32]byte
	for i := range uint32(3 * maxPaths) {
		binary.BigEndian.PutUint32(digest[:], i)
		trust.paths.keep(digest, []*x509.Certificate{stranger.cert})
	}
	if n := len(trust.paths.known); n != maxPaths {
		t.Errorf("%d paths are remembered, want %d", n, maxPaths)
	}
}
