package appliance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/appliance/mgmt"
)

// operatedText is one of two gateways that know each other by a secret; the words in capitals are replaced.
const operatedText = `
[system]
name = "gateSIDE"
lcores = 1
mbufs = 1024
[[port]]
name = "outside"
device = "wire:outside,SIDE"
role = "outside"
address = ["192.0.2.SIDE/24"]
[[port]]
name = "inside"
device = "wire:insideSIDE,1"
role = "inside"
address = ["10.SIDE.0.1/16"]
[[connection]]
name = "office"
remote = "192.0.2.PEER"
psk_file = "PSK"
retransmit_timeout = "100ms"
retransmit_tries = 2
start_action = "none"
LINES
[[connection.child]]
name = "lan"
local_ts = ["10.SIDE.0.0/24"]
remote_ts = ["10.PEER.0.0/24"]
[[connection.child]]
name = "voice"
mode = "tunnel"
local_ts = ["10.SIDE.1.0/24"]
remote_ts = ["10.PEER.1.0/24"]
[admin]
socket = "SOCKET"
`

// operated is a gateway that runs and listens to operators.
type operated struct {
	testing.TB
	socket string
}

// operate runs a gateway with its admin socket until the test ends; lines are more of its connection.
func (n *network) operate(side int, psk, lines string) *operated {
	n.t.Helper()
	dir := n.t.TempDir()
	o := &operated{n.t, filepath.Join(dir, "s")}
	secret := filepath.Join(dir, "psk")
	if err := os.WriteFile(secret, []byte(psk), 0o600); err != nil {
		n.t.Fatal(err)
	}
	text := strings.NewReplacer("SIDE", fmt.Sprint(side), "PEER", fmt.Sprint(3-side), "PSK", secret, "SOCKET", o.socket, "LINES", lines).Replace(operatedText)
	cfg, err := config.Parse("operated.toml", []byte(text))
	if err != nil {
		n.t.Fatal(err)
	}
	a, err := appliance.New(cfg, appliance.Options{Yield: true, Log: quiet(), Open: n.port})
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, served := make(chan error, 1), make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	<-a.Ready()
	go func() { served <- a.ServeAdmin(ctx) }()
	n.t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			n.t.Error(err)
		}
		if err := <-ended; err != nil {
			n.t.Error(err)
		}
	})
	until(n.t, "the admin socket", func() bool {
		c, err := net.Dial("unix", o.socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return o
}

// operateBoth runs two gateways.
func operateBoth(t *testing.T, lines [2]string, psk [2]string) (a, b *operated) {
	n := newNetwork(t)
	return n.operate(1, psk[0], lines[0]), n.operate(2, psk[1], lines[1])
}

var oneSecret = [2]string{"a secret that both have", "a secret that both have"}

// asks sends a request and decodes its result into v.
func (o *operated) asks(r mgmt.Request, v any) error {
	o.Helper()
	raw, err := mgmt.Call(context.Background(), o.socket, r)
	if err == nil {
		if err := json.Unmarshal(raw, v); err != nil {
			o.Fatal(err)
		}
	}
	return err
}

// order carries out one that must succeed and returns the IKE SAs after it.
func (o *operated) order(r mgmt.Request) []mgmt.IKESA {
	o.Helper()
	r.TimeoutMS = 60_000
	var out mgmt.Outcome
	if err := o.asks(r, &out); err != nil || !out.Done {
		o.Fatalf("%+v: %+v, %v", r, out, err)
	}
	return out.SAs
}

// connection is the one line of "show connections".
func (o *operated) connection() mgmt.Connection {
	o.Helper()
	var list []mgmt.Connection
	if err := o.asks(mgmt.Request{Verb: mgmt.VerbShow, What: "connections"}, &list); err != nil || len(list) != 1 {
		o.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

// TestOperator brings a connection up one child after the other, rekeys it in parts and as a whole, and takes it down; both
// ends show what there is.
func TestOperator(t *testing.T) {
	a, b := operateBoth(t, [2]string{}, oneSecret)
	if got := a.connection(); got.State != mgmt.StateDown || got.Children != 2 || got.Remote != "192.0.2.2" {
		t.Errorf("before: %+v", got)
	}
	first := a.order(mgmt.Request{Verb: mgmt.VerbInitiate, Name: "office", Child: "voice"})
	if len(first) != 1 || len(first[0].Children) != 1 || !first[0].Up || !first[0].Initiator || first[0].RemoteID != "192.0.2.2" {
		t.Fatalf("one child: %+v", first)
	}
	voice := first[0].Children[0]
	if voice.Name != "voice" || voice.Mode != "tunnel" || voice.Local[0] != "10.1.1.0/24" || voice.Remote[0] != "10.2.1.0/24" || voice.SPIIn == 0 || voice.SPIOut == 0 {
		t.Errorf("one child: %+v", voice)
	}
	a.order(mgmt.Request{Verb: mgmt.VerbInitiate, Name: "office"})
	if got := a.connection(); got.State != mgmt.StateUp || got.ChildrenUp != 2 || got.IKESAs != 1 || got.Since == nil {
		t.Errorf("up: %+v", got)
	}
	until(t, "the other end", func() bool { return b.connection().ChildrenUp == 2 })

	again := a.order(mgmt.Request{Verb: mgmt.VerbRekey, Name: "office", Part: mgmt.PartIKE})
	if spi := again[len(again)-1].SPIi; spi == first[0].SPIi {
		t.Errorf("the IKE SA is still %v", spi)
	}
	for _, r := range []mgmt.Request{{Part: mgmt.PartChild}, {}} {
		r.Verb, r.Name = mgmt.VerbRekey, "office"
		for _, s := range a.order(r) {
			for _, c := range s.Children {
				if c.SPIIn == voice.SPIIn && c.Up {
					t.Errorf("rekey %q: %v is still up", r.Part, c.SPIIn)
				}
				if c.Name == "voice" && c.Up {
					voice = c
				}
			}
		}
	}
	if left := a.order(mgmt.Request{Verb: mgmt.VerbTerminate, Name: "office"}); len(left) != 0 || a.connection().State != mgmt.StateDown {
		t.Errorf("terminated: %+v", left)
	}
	until(t, "the other end down", func() bool { return b.connection().State == mgmt.StateDown })
}

// TestOperatorFailures gets the verdict of a negotiation that fails, and both sides list one.
func TestOperatorFailures(t *testing.T) {
	for name, c := range map[string]struct {
		lines, psk [2]string
		stage      string
		says       []string
	}{
		"proposals": {[2]string{`proposals = ["aes128gcm16-prfsha256-x25519"]`, `proposals = ["aes256gcm16-prfsha384-ecp384"]`}, oneSecret,
			"IKE_SA_INIT", []string{"aes128gcm16-prfsha256-x25519", "NO_PROPOSAL_CHOSEN", "key to change"}},
		"secrets": {[2]string{}, [2]string{"a secret that one has", "a secret that the other has"}, "IKE_AUTH", []string{"AUTHENTICATION_FAILED"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := operateBoth(t, c.lines, c.psk)
			err := a.asks(mgmt.Request{Verb: mgmt.VerbInitiate, Name: "office", TimeoutMS: 60_000}, &mgmt.Outcome{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range append(c.says, c.stage, `"office"`, "192.0.2.2") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q, expected it to say %q", err, part)
				}
			}
			for side, o := range []*operated{a, b} {
				var list []mgmt.Failure
				if err := o.asks(mgmt.Request{Verb: mgmt.VerbShow, What: "failures"}, &list); err != nil {
					t.Fatal(err)
				}
				peer := fmt.Sprintf("192.0.2.%d:", 2-side)
				if !slices.ContainsFunc(list, func(f mgmt.Failure) bool { return f.Stage == c.stage && strings.HasPrefix(f.Remote, peer) }) {
					t.Errorf("side %d lists %+v, expected a failure in %s with %s", side+1, list, c.stage, peer)
				}
			}
		})
	}
}

// TestOperatorNames refuses names that are not configured and says which is the nearest; what is not up cannot be rekeyed.
func TestOperatorNames(t *testing.T) {
	a := newNetwork(t).operate(1, "a secret of nobody else", "")
	for _, c := range []struct {
		r    mgmt.Request
		says string
	}{
		{mgmt.Request{Verb: mgmt.VerbInitiate, Name: "offcie"}, `no connection "offcie"; the nearest configured name is "office"`},
		{mgmt.Request{Verb: mgmt.VerbTerminate, Name: "Office"}, `no connection "Office"; the nearest configured name is "office"`},
		{mgmt.Request{Verb: mgmt.VerbRekey, Name: strings.Repeat("x", 1000)}, `the nearest configured name is "office"`},
		{mgmt.Request{Verb: mgmt.VerbInitiate, Name: "office", Child: "vioce"}, `no child of connection "office" "vioce"; the nearest configured name is "voice"`},
		{mgmt.Request{Verb: mgmt.VerbRekey, Name: "office"}, "not up"},
		{mgmt.Request{Verb: mgmt.VerbTerminate, Name: "office"}, "not up"},
	} {
		if err := a.asks(c.r, &mgmt.Outcome{}); err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 200 {
			t.Errorf("%+v: got %v, expected %q", c.r, err, c.says)
		}
	}
}
