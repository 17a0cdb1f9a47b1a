package config

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	for s, want := range map[string]uint64{
		"10g": 10_000_000_000, "1.5m": 1_500_000, "64k": 64_000, "500kbit": 500_000, "1gbit": 1_000_000_000,
		"2.5mbit": 2_500_000, "1000bit": 1000, "0.000000001g": 1, "1000g": maxRate,
	} {
		if got, ok := parseRate(s); !ok || got != want {
			t.Errorf("%q: got %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "g", "1", "1.g", ".5g", "-1g", "+1g", "1 g", "1G", "1e3k", "0g", "0.0k", "1001g", "0.5bit", "1.0000000001g",
		"1b", "1kb", "1gigabit", "99999999999999999999g", "0x1g", "1_0g",
	} {
		if got, ok := parseRate(s); ok {
			t.Errorf("%q was read as %d", s, got)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	k := milliseconds(time.Minute)
	for _, c := range []struct {
		raw  any
		want time.Duration
	}{{int64(0), 0}, {int64(7), 7 * time.Millisecond}, {0.000001, 1}, {1.5, 1500 * time.Microsecond}, {int64(60000), time.Minute}} {
		if got, err := k.parse(c.raw); err != nil || got != c.want { // MIB-005: six digits are nanoseconds
			t.Errorf("%v: got %v, %v, want %v", c.raw, got, err, c.want)
		}
	}
	for _, raw := range []any{int64(-1), -0.5, 60000.5, "1", true} {
		if got, err := k.parse(raw); err == nil {
			t.Errorf("%v was read as %v", raw, got)
		}
	}
}

func TestAddressRanges(t *testing.T) {
	for s, want := range map[string]AddrRange{
		"10.1.0.0/16":             span("10.1.0.0", "10.1.255.255"),
		"10.1.0.5":                span("10.1.0.5", "10.1.0.5"),
		"10.1.0.5-10.1.0.9":       span("10.1.0.5", "10.1.0.9"),
		"2001:db8::/127":          span("2001:db8::", "2001:db8::1"),
		"2001:db8::1-2001:db8::f": span("2001:db8::1", "2001:db8::f"),
		"0.0.0.0/0":               span("0.0.0.0", "255.255.255.255"),
	} {
		if got, ok := parseRange(s); !ok || got != want {
			t.Errorf("%q: got %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "any", "10.1.0.1/16", "10.0.0.9-10.0.0.5", "10.0.0.1-::1", "fe80::1%eth0", "10.0.0.1-", "::ffff:10.0.0.1"} {
		if got, ok := parseRange(s); ok {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

// TestWordsInJSON: a Config in JSON uses the words of the file.
func TestWordsInJSON(t *testing.T) {
	got, err := json.Marshal([]any{UDPForce, AuthPubkey, CRLStrict, UniqueKeep, ChildlessForce, StartTrap, StartNow, IPTFSRequire, PollAdaptive, RoleInside, ModeConstant, EncapUDP, RateL2, DFCopy, TFCBucket, ActionBypass, CaptureTunnel, MAC{2, 0, 0, 0, 0, 1}, Mode(9)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `["udp","pubkey","strict","keep","force","trap","start","require","adaptive","inside","constant","udp","l2","copy","bucket","bypass","tunnel","02:00:00:00:00:01","9"]`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPeriods(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "0d": 0, "1s": time.Second, "90m": 90 * time.Minute, "1d": 24 * time.Hour, "365d": 8760 * time.Hour, "1h30m": 90 * time.Minute,
	} {
		if got, err := period(time.Second, longestRekey, true).parse(s); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "4", "-1s", "-1d", "1.5d", "1d12h", "366d", "65536d", "9999999999999999999d", "999ms"} {
		if got, err := period(time.Second, longestRekey, true).parse(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
	if got, err := period(time.Second, longestRekey, false).parse("0"); err == nil {
		t.Errorf("none was read as %v", got)
	}
}

func TestRemotes(t *testing.T) {
	for _, c := range []struct {
		raw  any
		want []AddrRange
	}{
		{"192.0.2.2", []AddrRange{span("192.0.2.2", "192.0.2.2")}},
		{"0.0.0.0/0", []AddrRange{span("0.0.0.0", "255.255.255.255")}},
		{"%any", []AddrRange{anyRemote}},
		{[]any{"%any"}, []AddrRange{anyRemote}},
		{[]any{"2001:db8::2", "2001:db8:1::/127"}, []AddrRange{span("2001:db8::2", "2001:db8::2"), span("2001:db8:1::", "2001:db8:1::1")}},
	} {
		if got, err := remoteKind.parse(c.raw); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, %v, want %v", c.raw, got, err, c.want)
		}
	}
	for _, raw := range []any{"", "%any4", "192.0.2.2/24", "::", "ff02::1", "224.0.0.1", "fe80::1%eth0", []any{}, []any{"192.0.2.2", "%any"}, []any{7}, 7, true} {
		if got, err := remoteKind.parse(raw); err == nil {
			t.Errorf("%v was read as %v", raw, got)
		}
	}
}

func TestIdentities(t *testing.T) {
	for _, id := range []string{"a.example.org", "@a", "user@example.org", "192.0.2.1", "C=CH, O=Größe, CN=gw", "keyid:*", "keyid:0x01", "%any"} {
		if _, err := identityKind.parse(id); err != nil {
			t.Errorf("%q was refused", id)
		}
	}
	for _, raw := range []any{"", " a", "a\x00", "a\nb", "\xff", "a\u202eb", strings.Repeat("a", maxIdentity+1), int64(1)} {
		if got, err := identityKind.parse(raw); err == nil {
			t.Errorf("%v was read as %q", raw, got)
		}
	}
	for id, want := range map[string]bool{"%any": true, "*.example.org": true, "CN=*, O=x": true, "a.example.org": false, "keyid:*": false} {
		if isPattern(id) != want {
			t.Errorf("%q: pattern %v, want %v", id, !want, want)
		}
	}
}

// TestProposals: what package crypto/suite says is wrong with a proposal is in the problem.
func TestProposals(t *testing.T) {
	for s, want := range map[string]string{
		"aes256gmc16-prfsha384-ecp384":                           "aes256gcm16",
		"aes256gcm16-aes256-sha256-ecp256":                       "aes256gcm16", // IKE-066: two proposals
		"aes256gcm16-prfsha384":                                  "x25519",
		"3des-sha1-modp1024":                                     "3des",
		"aes256-sha256-d00dfeedd00dfeedd00dfeedd00dfeedd00dfeed": "",
	} {
		_, err := ikeProposalKind.parse(s)
		var e *valueError
		switch {
		case want == "" && err != nil && !errors.As(err, &e): // may be a key: nothing but the kind's own words
		case !errors.As(err, &e) || !strings.HasPrefix(e.want, ikeProposalKind.want+": ") || !strings.Contains(e.want, want) || want == "":
			t.Errorf("%q: got %+v, want a reason with %q", s, err, want)
		}
	}
	if p, err := espProposalKind.parse("aes128gcm16-noesn"); err != nil || p.String() != "aes128gcm16-noesn" {
		t.Errorf("got %v, %v", p, err)
	}
}
