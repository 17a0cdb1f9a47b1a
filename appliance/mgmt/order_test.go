package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// refused is what happens to an order of these tests in time: a failure of a connection with a peer.
func refused(connection, reason string) Failure {
	return Failure{Connection: connection, Remote: "192.0.2.2:500", Stage: "IKE_AUTH", Reason: reason}
}

// orderCase is an order, what the appliance has before it and what becomes of that.
type orderCase struct {
	name    string
	request Request
	before  []IKESA
	after   func(f *fake)
	took    time.Duration // at least, and at most a look more
	fails   []string      // parts of the error; nil: it succeeds
}

func (c *orderCase) run(t *testing.T) {
	b := office()
	b.sas, b.onOrder = c.before, c.after
	b.failures = []Failure{refused("office", "old news")}
	line, err := json.Marshal(c.request)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var got reply
		if err := json.Unmarshal(answer(t.Context(), b, line), &got); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < c.took || took > c.took+maxLook {
			t.Errorf("took %v, expected %v to %v", took, c.took, c.took+maxLook)
		}
		if got.OK != (c.fails == nil) {
			t.Fatalf("got %+v, expected ok %t", got, c.fails == nil)
		}
		for _, part := range c.fails {
			if !strings.Contains(got.Error, part) {
				t.Errorf("error %q, expected it to say %q", got.Error, part)
			}
		}
		var out Outcome
		if got.OK && (json.Unmarshal(got.Result, &out) != nil || out.Done != (c.request.TimeoutMS > 0)) {
			t.Errorf("result %s", got.Result)
		}
	})
}

const tenSeconds = 10_000

// TestInitiate waits until the children asked for are up or something has failed.
func TestInitiate(t *testing.T) {
	all := Request{Verb: VerbInitiate, Name: "office", TimeoutMS: tenSeconds}
	one := Request{Verb: VerbInitiate, Name: "office", Child: "voice", TimeoutMS: tenSeconds}
	both := sa("office", 1, child("lan", 1), child("voice", 2))
	for _, c := range []orderCase{
		{name: "up already", request: all, before: []IKESA{both}},
		{name: "all come up", request: all, took: 3 * time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{down(sa("office", 1), "connecting")} })
			f.in(2*time.Second, func() { f.sas = []IKESA{sa("office", 1, child("voice", 2))} })
			f.in(3*time.Second, func() { f.sas = []IKESA{both} })
		}},
		{name: "the one asked for comes up", request: one, took: 2 * time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{sa("office", 1, child("lan", 1))} })
			f.in(2*time.Second, func() { f.sas = []IKESA{both} })
		}},
		{name: "of another connection", request: one, took: 10 * time.Second, before: []IKESA{sa("home", 1, child("voice", 2))},
			after: func(*fake) {}, fails: []string{`"office"`, "not up after 10s", "no IKE SA"}},
		{name: "fails", request: all, took: time.Second, fails: []string{`"office"`, "IKE_AUTH with 192.0.2.2:500", "wrong secret"}, after: func(f *fake) {
			f.in(time.Second, func() { f.failures = append(f.failures, refused("office", "wrong secret")) })
		}},
		{name: "fails again as before", request: all, took: time.Second, fails: []string{"old news"}, after: func(f *fake) {
			again := f.failures[0]
			again.Time = time.Now()
			f.in(time.Second, func() { f.failures = append(f.failures, again) })
		}},
		{name: "fails in two steps", request: all, took: time.Second, fails: []string{"NO_PROPOSAL_CHOSEN"}, after: func(f *fake) {
			f.in(time.Second, func() {
				f.failures = append(f.failures, refused("office", "no answer"), refused("office", "NO_PROPOSAL_CHOSEN"), refused("home", "no answer"))
			})
		}},
		{name: "another fails", request: all, took: 2 * time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.failures = append(f.failures, refused("home", "wrong secret")) })
			f.in(2*time.Second, func() { f.sas = []IKESA{both} })
		}},
		{name: "late", request: all, took: 10 * time.Second, fails: []string{"not up after 10s", "authenticating", "3 retransmissions"},
			after: func(f *fake) {
				s := down(sa("office", 1), "authenticating")
				s.Retransmits = 3
				f.in(time.Second, func() { f.sas = []IKESA{s} })
			}},
		{name: "not waited for", request: Request{Verb: VerbInitiate, Name: "office"}},
		{name: "the control core is gone", request: all, took: time.Second, fails: []string{"no core"}, after: func(f *fake) {
			f.in(time.Second, func() { f.broken = errors.New("no core") })
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestTerminate waits until the IKE SAs there were are gone, whatever comes up meanwhile, and takes no failure for its own.
func TestTerminate(t *testing.T) {
	r := Request{Verb: VerbTerminate, Name: "office", TimeoutMS: tenSeconds}
	old := sa("office", 1, child("lan", 1))
	for _, c := range []orderCase{
		{name: "gone", request: r, before: []IKESA{old, sa("home", 2)}, took: time.Second, after: func(f *fake) {
			f.change(func() { f.sas = []IKESA{down(old, "closing"), sa("home", 2)} })
			f.in(time.Second, func() { f.sas = []IKESA{sa("home", 2)} })
		}},
		{name: "a new one is up", request: r, before: []IKESA{old}, took: time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{sa("office", 3)} })
		}},
		{name: "the attempt is called off", request: r, before: []IKESA{down(old, "connecting")}, took: time.Second, after: func(f *fake) {
			f.change(func() { f.failures = append(f.failures, refused("office", "closed")) })
			f.in(time.Second, func() { f.sas = nil })
		}},
		{name: "a dead peer", request: r, before: []IKESA{old}, took: 10 * time.Second, fails: []string{"not down", "closing"}, after: func(f *fake) {
			f.change(func() { f.sas = []IKESA{down(old, "closing")} })
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestRekey waits until what was to be replaced is.
func TestRekey(t *testing.T) {
	r := Request{Verb: VerbRekey, Name: "office", TimeoutMS: tenSeconds}
	ikeOnly, childOnly := r, r
	ikeOnly.Part, childOnly.Part = PartIKE, PartChild
	before := []IKESA{sa("office", 1, child("lan", 1), child("voice", 2))}
	lingering := child("lan", 1)
	lingering.State, lingering.Up = "lingering", false
	for _, c := range []orderCase{
		{name: "both", request: r, before: before, took: 3 * time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{sa("office", 1, lingering, child("lan", 3), child("voice", 2))} })
			f.in(2*time.Second, func() { f.sas = []IKESA{sa("office", 1, lingering, child("lan", 3), child("voice", 4))} })
			f.in(3*time.Second, func() {
				f.sas = []IKESA{down(sa("office", 1), "replaced"), sa("office", 2, lingering, child("lan", 3), child("voice", 4))}
			})
		}},
		{name: "the IKE SA", request: ikeOnly, before: before, took: time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{sa("office", 2, before[0].Children...)} })
		}},
		{name: "the Child SAs", request: childOnly, before: before, took: time.Second, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = []IKESA{sa("office", 1, child("voice", 4), child("lan", 3))} })
		}},
		{name: "the younger of two IKE SAs", request: ikeOnly, before: []IKESA{sa("office", 1), sa("office", 2), down(sa("office", 3), "closing")},
			took: 2 * time.Second, after: func(f *fake) {
				f.in(time.Second, func() { f.sas = []IKESA{sa("office", 1), sa("office", 2), sa("office", 4)} })
				f.in(2*time.Second, func() { f.sas = []IKESA{sa("office", 1), sa("office", 4)} })
			}},
		{name: "both still up", request: childOnly, before: before, took: 10 * time.Second, fails: []string{"not rekeyed after 10s"}, after: func(f *fake) {
			f.change(func() { f.sas = []IKESA{sa("office", 1, child("lan", 1), child("lan", 3), child("voice", 4))} })
		}},
		{name: "one only went away", request: childOnly, before: before, took: 10 * time.Second, fails: []string{"not rekeyed"}, after: func(f *fake) {
			f.change(func() { f.sas = []IKESA{sa("office", 1, child("lan", 3))} })
		}},
		{name: "lost", request: r, before: before, took: time.Second, fails: []string{"went down"}, after: func(f *fake) {
			f.in(time.Second, func() { f.sas = nil })
		}},
		{name: "lost, with a reason", request: r, before: before, took: time.Second, fails: []string{"no answer from"}, after: func(f *fake) {
			f.in(time.Second, func() {
				f.sas, f.failures = nil, append(f.failures, refused("office", "no answer from 192.0.2.2 to 7 transmissions"))
			})
		}},
		{name: "refused", request: r, before: before, took: time.Second, fails: []string{"NO_PROPOSAL_CHOSEN"}, after: func(f *fake) {
			f.in(time.Second, func() { f.failures = append(f.failures, refused("office", "NO_PROPOSAL_CHOSEN")) })
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestOrders passes on what was asked for, and why it is refused, without a wait.
func TestOrders(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{`{"verb":"initiate","name":"office"}`, []string{"initiate", "office", ""}},
		{`{"verb":"initiate","name":"office","child":"lan"}`, []string{"initiate", "office", "lan"}},
		{`{"verb":"terminate","name":"office"}`, []string{"terminate", "office"}},
		{`{"verb":"rekey","name":"office"}`, []string{"rekey", "office", "ike", "children"}},
		{`{"verb":"rekey","name":"office","part":"ike"}`, []string{"rekey", "office", "ike"}},
		{`{"verb":"rekey","name":"office","part":"child"}`, []string{"rekey", "office", "children"}},
	} {
		b := office()
		var got reply
		if err := json.Unmarshal(answer(t.Context(), b, []byte(c.line)), &got); err != nil || !got.OK || !slices.Equal(b.orders, c.want) {
			t.Errorf("%s: %v, %+v, orders %q, expected %q", c.line, err, got, b.orders, c.want)
		}
		b.refuse = fmt.Errorf("no connection %q", "office")
		for _, line := range []string{c.line, strings.Replace(c.line, "}", `,"timeout_ms":10000}`, 1)} {
			if got := string(answer(t.Context(), b, []byte(line))); got != `{"ok":false,"error":"no connection \"office\""}`+"\n" {
				t.Errorf("%s: %s", line, got)
			}
		}
		b.broken = errors.New("no core")
		if got := string(answer(t.Context(), b, []byte(strings.Replace(c.line, "}", `,"timeout_ms":10000}`, 1)))); !strings.Contains(got, "no core") {
			t.Errorf("%s: %s", c.line, got)
		}
	}
}

// TestOrderOfStopped ends an order when the appliance ends.
func TestOrderOfStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := office()
		b.onOrder = func(f *fake) { f.in(time.Second, cancel) }
		got := string(answer(ctx, b, []byte(`{"verb":"initiate","name":"office","timeout_ms":10000}`)))
		if !strings.Contains(got, "shutting down") {
			t.Errorf("got %s", got)
		}
	})
}
