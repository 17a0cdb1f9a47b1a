package ke

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"stillwater/crypto/suite"
)

// TestAgreement: initiator and responder come to the same secret, in the lengths of the table.
func TestAgreement(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		p := generate(t, row.ID)
		if !Supported(row.ID) || p.Method() != row.ID || len(p.Public()) != row.Public {
			t.Fatalf("method %d with a value of %d octets, want %d", p.Method(), len(p.Public()), row.Public)
		}
		public, theirs, err := Respond(row.ID, p.Public())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := p.Shared(public)
		if err != nil || !bytes.Equal(ours, theirs) || len(ours) != row.Secret {
			t.Errorf("secrets %x and %x, %v, want %d octets", ours, theirs, err, row.Secret)
		}
	})
}

// TestIKE049_FreshEveryTime: no two exchanges share a private value, so no two have a public value or secret in common.
func TestIKE049_FreshEveryTime(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		peer := generate(t, row.ID).Public()
		seen := map[string]bool{string(peer): true}
		for range 3 {
			public, secret, err := Respond(row.ID, peer)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range [][]byte{public, secret, generate(t, row.ID).Public()} {
				if seen[string(value)] {
					t.Errorf("%x comes twice", value)
				}
				seen[string(value)] = true
			}
		}
	})
}

// TestGroupsCoverTheTable: each method that can be negotiated can be carried out, and no other is there.
func TestGroupsCoverTheTable(t *testing.T) {
	for id := range groups {
		if _, ok := suite.LookupKE(id); !ok {
			t.Errorf("method %d is not in the table", id)
		}
	}
	if len(groups) != len(suite.KEs()) {
		t.Errorf("%d groups, want %d", len(groups), len(suite.KEs()))
	}
}

// TestHAZ04_EveryMethod: a method that is not in the table, NONE among them, is an error from both sides and says its
// number.
func TestHAZ04_EveryMethod(t *testing.T) {
	supported := 0
	for id := range 1 << 16 {
		method := uint16(id)
		if Supported(method) {
			supported++
			continue
		}
		p, err := Generate(method)
		if refused, ok := errors.AsType[*Error](err); p != nil || !ok || refused.Method != method {
			t.Fatalf("method %d: %v", id, err)
		}
		public, secret, err := Respond(method, make([]byte, 32))
		if refused, ok := errors.AsType[*Error](err); public != nil || secret != nil || !ok || refused.Method != method {
			t.Fatalf("method %d: %v", id, err)
		}
	}
	if supported != 7 {
		t.Errorf("%d methods are supported, want 7", supported)
	}
}

// TestIKE094_Wipe: a private value is gone after Wipe, however often that is called; the public one stays.
func TestIKE094_Wipe(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		p := generate(t, row.ID)
		peer, public := generate(t, row.ID).Public(), bytes.Clone(p.Public())
		h := p.half
		p.Wipe()
		p.Wipe()
		switch h := h.(type) {
		case *curveHalf:
			if h.private != nil {
				t.Error("the private key is still there")
			}
		case *modpHalf:
			if !bytes.Equal(h.exponent, make([]byte, len(h.exponent))) {
				t.Error("the exponent is still there")
			}
		}
		secret, err := p.Shared(peer)
		if _, ok := errors.AsType[*Error](err); !ok || secret != nil || !bytes.Equal(p.Public(), public) {
			t.Errorf("after Wipe: %x, %v", secret, err)
		}
	})
}

// TestForgedValueFirst: a value that fails does not spoil the exchange for the genuine one.
func TestForgedValueFirst(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		p := generate(t, row.ID)
		if _, err := p.Shared(make([]byte, row.Public)); err == nil {
			t.Error("zeros are accepted")
		}
		public, theirs, err := Respond(row.ID, p.Public())
		if err != nil {
			t.Fatal(err)
		}
		if ours, err := p.Shared(public); err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("secrets %x and %x, %v", ours, theirs, err)
		}
	})
}

// TestRespondTogether: responders run side by side, from the first use of a group on.
func TestRespondTogether(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		peer := generate(t, row.ID).Public()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, _, err := Respond(row.ID, peer); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestErrorText(t *testing.T) {
	_, err := generate(t, suite.KEECP256).Shared(make([]byte, 63))
	if want := "key exchange method ecp256 (19): public value of 63 octets, want 64"; err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
	_, err = Generate(1025)
	if want := "key exchange method 1025: not supported"; err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
}
