package mbuf

import (
	"regexp"
	"testing"
)

// TestVerdictTable: every verdict has a row that a metric and a person can use.
func TestVerdictTable(t *testing.T) {
	label, names := regexp.MustCompile(`^[a-z][a-z0-9_]*$`), map[string]Verdict{}
	for v := range NumVerdicts {
		r := v.Row()
		if !label.MatchString(r.Name) || r.Name != v.String() {
			t.Errorf("verdict %d: name %q is no metrics label", v, r.Name)
		}
		if other, dup := names[r.Name]; dup {
			t.Errorf("verdicts %d and %d are both named %q", other, v, r.Name)
		}
		names[r.Name] = v
		if r.Help == "" || r.Severity&^Audited > Alarm {
			t.Errorf("verdict %q: help %q, severity %#x", r.Name, r.Help, r.Severity)
		}
	}
	if Pass != 0 || Pass.String() != "pass" || Pass.Row().Severity != Normal {
		t.Errorf("the zero verdict must be pass, it is %q", Verdict(0))
	}
	for _, v := range []Verdict{NumVerdicts, 255} {
		if v.String() != "unknown" || v.Auditable() {
			t.Errorf("verdict %d is %q, expected unknown", v, v)
		}
	}
}

// TestAuditable: the events that RFC 4301 and RFC 4303 want in an audit log, and some they do not.
func TestAuditable(t *testing.T) {
	for v, why := range map[Verdict]string{
		PolicyDiscard:    "RFC 4301 5.1: discarded by policy MUST be auditable",
		NoPolicy:         "RFC 4301 5.1: no SPD match is a DISCARD",
		SelectorMismatch: "RFC 4301 5.2 step 4",
		OuterFragment:    "RFC 4303 3.4.1",
		UnknownSPI:       "RFC 4303 3.4.2",
		Replayed:         "RFC 4303 3.4.3",
		TooOld:           "RFC 4303 3.4.3",
		AuthFailed:       "RFC 4303 3.4.4",
		SeqExhausted:     "RFC 4303 3.3.3",
	} {
		if !v.Auditable() {
			t.Errorf("%v is not auditable: %s", v, why)
		}
	}
	for _, v := range []Verdict{Pass, TxFull, Dummy, AggAllPad} {
		if v.Auditable() {
			t.Errorf("%v is auditable", v)
		}
	}
}
