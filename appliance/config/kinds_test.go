package config

import (
	"encoding/json"
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
	got, err := json.Marshal([]any{PollAdaptive, RoleInside, ModeConstant, EncapUDP, RateL2, DFCopy, TFCBucket, ActionBypass, CaptureTunnel, MAC{2, 0, 0, 0, 0, 1}, Mode(9)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `["adaptive","inside","constant","udp","l2","copy","bucket","bypass","tunnel","02:00:00:00:00:01","9"]`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
