package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/appliance/control"
	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// gatewayText is one of two whole gateways that know each other by a secret, without static neighbours; words in capitals are
// replaced.
//
//	10.1.0.9 -- inside1 -- 10.1.0.1  gateway 1  192.0.2.1 -- outside -- 192.0.2.2  gateway 2  10.2.0.1 -- inside2 -- 10.2.0.9
const gatewayText = `
[system]
name = "gatewaySIDE"
lcores = LCORES
mbufs = 1024
[[port]]
name = "outside"
device = "wire:outside,SIDE"
role = "outside"
address = ["192.0.2.SIDE/24", "2001:db8::SIDE/64"]
[[port]]
name = "inside"
device = "wire:insideSIDE,1"
role = "inside"
address = ["10.SIDE.0.1/16", "2001:db8:SIDE::1/64"]
[[connection]]
name = "t"
local = "LOCAL"
remote = "REMOTE"
psk_file = "PSK"
start_action = "none"
retransmit_timeout = "100ms"
CONNECTION
[[connection.child]]
name = "net"
local_ts = ["10.SIDE.0.0/16", "2001:db8:SIDE::/64"]
remote_ts = ["10.PEER.0.0/16", "2001:db8:PEER::/64"]
CHILD
[admin]
socket = ""
`

// site is both gateways and what is between them.
type site struct {
	t        testing.TB
	link     pmd.Link
	lcores   int
	outer    [2]string // addresses
	lines    string    // of the connection
	child    string    // lines of the child
	clock    func() int64
	wrap     func(device string, p pmd.Port) pmd.Port
	wires    map[string]*softpmd.Wire
	gateways [2]*appliance.Appliance
}

// build makes the wires and the gateways.
func (s *site) build() {
	s.t.Helper()
	s.wires = map[string]*softpmd.Wire{}
	for _, name := range []string{"outside", "inside1", "inside2"} {
		w, err := softpmd.NewWire(softpmd.WireConfig{Name: name, Link: s.link})
		must(s.t, err)
		s.wires[name] = w
	}
	secret := filepath.Join(s.t.TempDir(), "psk")
	must(s.t, os.WriteFile(secret, []byte("a secret that both have"), 0o600))
	for i := range s.gateways {
		text := strings.NewReplacer("SIDE", fmt.Sprint(i+1), "PEER", fmt.Sprint(2-i), "LCORES", fmt.Sprint(s.lcores), "LOCAL", s.outer[i],
			"REMOTE", s.outer[1-i], "PSK", secret, "CONNECTION", s.lines, "CHILD", s.child).Replace(gatewayText)
		cfg, err := config.Parse("gateway.toml", []byte(text))
		must(s.t, err)
		s.gateways[i], err = appliance.New(cfg, appliance.Options{Yield: true, Clock: s.clock, Log: slog.New(slog.DiscardHandler), Open: s.open})
		must(s.t, err)
	}
}

// open opens a device "wire:NAME,1" or "wire:NAME,2".
func (s *site) open(device string, cfg pmd.Config) (pmd.Port, error) {
	name, side, _ := strings.Cut(strings.TrimPrefix(device, "wire:"), ",")
	p, err := s.wires[name].Open(map[string]softpmd.End{"1": softpmd.A, "2": softpmd.B}[side], cfg)
	if err == nil && s.wrap != nil {
		p = s.wrap(device, p)
	}
	return p, err
}

// run runs both gateways until the test ends.
func (s *site) run() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, len(s.gateways))
	for _, g := range s.gateways {
		go func() { ended <- g.Run(ctx) }()
		<-g.Ready()
	}
	s.t.Cleanup(func() { cancel(); <-ended; <-ended })
}

// sending are the pairs of a gateway that it sends with.
func (s *site) sending(i int) (out []control.PairStatus) {
	for _, p := range s.gateways[i].Core().Pairs() {
		if p.Out {
			out = append(out, p)
		}
	}
	return out
}

// until waits for something that other goroutines bring about.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(30 * time.Second)
	defer patience.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-patience.C:
			t.Fatalf("%s: not in 30 s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
