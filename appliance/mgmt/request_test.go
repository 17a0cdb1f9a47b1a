package mgmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestBadRequests says what is wrong and what was expected, and does nothing.
func TestBadRequests(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for line, want := range map[string]string{
		``: "EOF", `null`: `verb ""`, `7`: "request", `{}`: `verb "": expected one of show, initiate, terminate, rekey`,
		`{"verb":"frob"}`:                                   `verb "frob": expected one of show, initiate, terminate, rekey`,
		`{"verb":"` + long + `"}`:                           `x"...: expected`,
		`{"verb":"show"}`:                                   `show: "what" is missing`,
		`{"verb":"show","what":"keys"}`:                     `show "keys": expected one of sas, connections, failures, ports, lcores, drops`,
		`{"verb":"show","what":"sas","name":"x"}`:           `"name" does not belong`,
		`{"verb":"show","what":"sas","all":true}`:           `unknown field "all"`,
		`{"verb":"show","what":"sas"} {}`:                   "more than one",
		`{"verb":"show","what":"sas"} x`:                    "more than one",
		`{"verb":"show","what":["sas"]}`:                    "what",
		`{"verb":"initiate"}`:                               `"name" is missing`,
		`{"verb":"initiate","child":"x"}`:                   `"name" is missing`,
		`{"verb":"terminate","name":"x","child":"y"}`:       `"child" does not belong`,
		`{"verb":"rekey","name":"x","part":"all"}`:          `part "all": expected "ike" or "child"`,
		`{"verb":"rekey","name":"x","timeout_ms":-1}`:       "timeout_ms -1: expected 0 to 300000",
		`{"verb":"rekey","name":"x","timeout_ms":300001}`:   "timeout_ms 300001: expected 0 to 300000",
		`{"verb":"rekey","name":"x","timeout_ms":1e99}`:     "timeout_ms",
		`{"verb":"initiate","name":"x","timeout_ms":"10s"}`: "timeout_ms",
	} {
		b := office()
		var got reply
		if err := json.Unmarshal(answer(t.Context(), b, []byte(line)), &got); err != nil {
			t.Fatal(err)
		}
		if got.OK || !strings.Contains(got.Error, want) || len(got.Error) > 300 || len(b.orders) > 0 {
			t.Errorf("%s: got %+v, orders %q, expected an error that says %q", line, got, b.orders, want)
		}
	}
}

// TestShow answers each table with what the backend has; lists are never null.
func TestShow(t *testing.T) {
	b := office()
	b.status = Status{Ports: []int{1}, Lcores: []int{2}, Drops: map[string]int{"replay": 3}}
	for what, want := range map[string]string{
		"sas": `{"ike":[],"static":[]}`, "failures": `[]`, "ports": `[1]`, "lcores": `[2]`, "drops": `{"replay":3}`,
	} {
		line := `{"verb":"show","what":"` + what + `"}`
		if got, want := string(answer(t.Context(), b, []byte(line))), `{"ok":true,"result":`+want+"}\n"; got != want {
			t.Errorf("%s: got %s, expected %s", line, got, want)
		}
	}
	b.broken = errors.New("no core")
	for _, what := range []string{"sas", "connections", "failures"} {
		if got := string(answer(t.Context(), b, []byte(`{"verb":"show","what":"`+what+`"}`))); got != `{"ok":false,"error":"no core"}`+"\n" {
			t.Errorf("show %s: got %s", what, got)
		}
	}
	b.status.Ports = func() {} // nothing that can be written
	if got := string(answer(t.Context(), b, []byte(`{"verb":"show","what":"ports"}`))); !strings.HasPrefix(got, `{"ok":false,"error":"show: `) {
		t.Errorf("got %s", got)
	}
}

// FuzzRequest reads any line: what passes survives being written and read again, and every line has one line for an answer.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		askConnections, `{"verb":"show","what":"sas"}`, `{"verb":"initiate","name":"office","child":"lan"}`, `{"verb":"terminate","name":"\u0000\n"}`,
		`{"verb":"rekey","name":"office","part":"ike"}`, `{"verb":"rekey","name":"\ud800"}`, `{"verb":"show","what":"x","timeout_ms":1}`,
		`[`, `{"verb":`, "\"\xff\"", `{"VERB":"show","What":"sas"}`, strings.Repeat("[", 11000), "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > maxRequest {
			return
		}
		r, v, err := parseRequest(line)
		if err == nil {
			if v == nil || v.name != r.Verb {
				t.Fatalf("%q: verb %q has the row %v", line, r.Verb, v)
			}
			again, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if second, _, err := parseRequest(again); err != nil || second != r {
				t.Fatalf("%q: %+v became %+v, %v", line, r, second, err)
			}
		}
		if r.TimeoutMS != 0 {
			return
		}
		out := answer(t.Context(), office(), line)
		var got reply
		if json.Unmarshal(out, &got) != nil || bytes.IndexByte(out, '\n') != len(out)-1 || got.OK && err != nil || len(out) > 4*maxRequest {
			t.Fatalf("%q: answered %q, request %v", line, out, err)
		}
	})
}
