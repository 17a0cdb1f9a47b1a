package ike

import (
	"strings"
	"testing"
	"time"

	"stillwater/crypto/sign"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// The operator of either end is told which key of the configuration to change.
func TestFailuresNameTheKey(t *testing.T) {
	certs := func(change func(a, b *Connection)) func(a, b *Connection) {
		return func(a, b *Connection) { certPair(a, b, newKey(), newKey()); change(a, b) }
	}
	for name, c := range map[string]struct {
		change func(a, b *Connection)
		a, b   string
	}{
		"no common suite":   {func(a, _ *Connection) { a.Proposals = ikeProposals("aes256gcm16-prfsha384-ecp384") }, "proposals", "proposals"},
		"wrong secret":      {func(a, _ *Connection) { a.Self.PSK = []byte("another") }, "local_id, psk_file", "psk_file"},
		"unknown identity":  {func(a, _ *Connection) { a.Self.ID = identity("x.test") }, "local_id, psk_file", "remote_id"},
		"peer is another":   {func(_, b *Connection) { b.Self.ID = identity("x.test") }, "remote_id", ""},
		"peer's secret":     {func(_, b *Connection) { b.Self.PSK = []byte("another") }, "psk_file", ""},
		"unknown authority": {certs(func(a, _ *Connection) { a.Self.Credential = otherCA().credential("a.test", newKey()) }), "local_id, cert_file", "ca_file"},
		"other method": {func(a, _ *Connection) {
			a.Self = &auth.Local{ID: identity("a.test"), Method: auth.Pubkey, Credential: theCA().credential("a.test", newKey())}
		}, "local_id, cert_file", "remote_auth"},
		"no signature that fits": {certs(func(a, _ *Connection) { a.Self.Schemes = []sign.Scheme{sign.Ed25519} }), "signature", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, c.change)
			l.start()
			for _, x := range []struct {
				e    *end
				want string
			}{{l.a, c.a}, {l.b, c.b}} {
				if x.want == "" {
					continue
				}
				if f := x.e.failure(); f.Key != x.want || f.Reason == "" {
					t.Errorf("%s names the key %q, want %q: %+v", x.e.name, f.Key, x.want, f)
				}
			}
		})
	}
}

// IKE-048: the operator hears of a refusal at once, and once; the wait for a better answer goes on.
func TestIKE048_OneVerdictAtOnce(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Proposals = ikeProposals("aes256gcm16-prfsha384-ecp384") })
	l.start()
	if f := l.a.failure(); f.Notify != wire.NoProposalChosen || !f.FromPeer || !strings.Contains(f.Offered, "ecp384") {
		t.Errorf("at once: %+v", f)
	}
	if len(l.a.e.sas) != 1 {
		t.Error("a does not wait for a better answer")
	}
	l.run(time.Minute)
	if n := l.a.e.Counters().Failures; n != 1 {
		t.Errorf("%d verdicts, want 1", n)
	}
	l.a.gone()
}

// Silence is another matter, and the key another.
func TestNoAnswerNamesTheAddress(t *testing.T) {
	l := pskLadder(t, nil)
	l.fate = func(*flight) fate { return lose }
	l.start()
	l.run(time.Minute)
	if f := l.a.failure(); f.Key != "remote" || f.FromPeer || f.Notify != 0 {
		t.Errorf("failure %+v", f)
	}
}

// "show" lists what is there: an IKE SA that was rekeyed away and deleted is not, although its last answer is kept.
func TestSnapshotAfterRekeys(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for range 3 {
		if err := l.a.e.Rekey(l.now, "net", true, false); err != nil {
			t.Fatal(err)
		}
		l.settle()
		l.established()
	}
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	for _, x := range []*end{l.a, l.b} {
		if got := x.e.Snapshot(); len(got) != 0 {
			t.Errorf("%s shows %v", x.name, states(got))
		}
	}
	l.run(5 * time.Minute)
	l.a.gone()
	l.b.gone()
}

// SAs between the same two identities are found without looking at all others.
func TestSameIdentities(t *testing.T) {
	l := twoSAs(t)
	for _, x := range []*end{l.a, l.b} {
		for _, s := range x.e.all() {
			if got := x.e.sameIdentities(s); len(got) != 0 || len(x.e.byPeer[s.pair]) != 1 {
				t.Errorf("%s: %d SAs with the same identities", x.name, len(got))
			}
		}
	}
	l.a.e.Shutdown(l.now)
	l.run(5 * time.Minute)
	if n := len(l.a.e.byPeer) + len(l.b.e.byPeer); n != 0 {
		t.Errorf("%d entries left", n)
	}
}
