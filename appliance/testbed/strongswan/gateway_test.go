package strongswan

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/appliance/control"
	"stillwater/ike"
	_ "stillwater/pmd/afpacket"
)

// limit bounds every single wait; it is far above what anything takes on an idle machine.
const limit = 10 * time.Second

// pollEvery is how often a test looks whether something has happened.
const pollEvery = 20 * time.Millisecond

// gateway is an appliance of this process in its namespace.
type gateway struct {
	testing.TB
	*appliance.Appliance
	log    *logBuffer
	cancel context.CancelFunc
	ended  chan error
}

// logBuffer keeps what the appliance logs. Safe for concurrent use.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startGateway brings an appliance up on a network. It ends with the test.
func startGateway(n *network, s settings) *gateway {
	n.Helper()
	file := filepath.Join(n.TempDir(), "gateway.toml")
	n.must(os.WriteFile(filepath.Join(filepath.Dir(file), "psk"), []byte(secret), 0o600))
	n.must(os.WriteFile(file, []byte(s.text(n)), 0o600))
	cfg, err := config.Load(file)
	n.must(err)
	g := &gateway{TB: n, log: new(logBuffer), ended: make(chan error, 1)}
	n.must(n.gateway.in(func() (err error) {
		log := slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		g.Appliance, err = appliance.New(cfg, appliance.Options{Yield: true, Log: log})
		return err
	}))
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	go func() {
		g.ended <- g.Run(ctx)
		close(g.ended)
	}()
	n.Cleanup(func() {
		if n.Failed() {
			n.Logf("gateway: drops %v, events %v, lcores %+v\n%s", g.Status().Drops, g.Status().Events, g.Status().Lcores, g.log)
		}
		if err := g.stop(); err != nil {
			n.Error(err)
		}
	})
	select {
	case <-g.Ready():
	case err := <-g.ended:
		n.Fatalf("the gateway ended before it was ready: %v", err)
	case <-time.After(limit):
		n.Fatalf("the gateway is not ready after %v", limit)
	}
	return g
}

// stop ends an appliance and returns the error of its Run; a second call does nothing.
func (g *gateway) stop() error {
	g.cancel()
	select {
	case err := <-g.ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("the gateway has not ended %v after it was cancelled", limit)
	}
}

// await polls until done returns an empty string, which otherwise says what is missing.
func await(t testing.TB, what string, done func() string) {
	t.Helper()
	tick, late := time.NewTicker(pollEvery), time.After(limit)
	defer tick.Stop()
	for {
		missing := done()
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not after %v: %s", what, limit, missing)
		}
	}
}

// do asks the control core for something that it must not refuse.
func (g *gateway) do(f func(ctx context.Context) error) {
	g.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := f(ctx); err != nil {
		g.Fatal(err)
	}
}

// snapshot is our IKE SAs.
func (g *gateway) snapshot() (sas []ike.SAStatus) {
	g.Helper()
	g.do(func(ctx context.Context) (err error) {
		sas, err = g.Core().Snapshot(ctx)
		return err
	})
	return sas
}

// failures is why negotiations failed.
func (g *gateway) failures() (fs []ike.Failure) {
	g.Helper()
	g.do(func(ctx context.Context) (err error) {
		fs, err = g.Core().Failures(ctx)
		return err
	})
	return fs
}

// order begins the connection, or another Child SA of it.
func (g *gateway) order() {
	g.Helper()
	g.do(func(ctx context.Context) error { return g.Core().Initiate(ctx, connection, child) })
}

// terminate closes the connection and waits until nothing is left of it.
func (g *gateway) terminate() {
	g.Helper()
	g.do(func(ctx context.Context) error { return g.Core().Terminate(ctx, connection) })
	g.awaitGone()
}

// awaitUp waits for one established IKE SA with as many Child SAs that carry data both ways. What was replaced may still be
// there: to hear what is late, and to answer a peer that repeats its Delete.
func (g *gateway) awaitUp(children int) (up ike.SAStatus) {
	g.Helper()
	await(g, fmt.Sprintf("one IKE SA with %d Child SAs", children), func() string {
		all := g.snapshot()
		sas := slices.DeleteFunc(slices.Clone(all), replaced)
		if len(sas) != 1 || sas[0].State != "established" {
			return describe(all)
		}
		up = sas[0]
		up.Children = slices.DeleteFunc(up.Children, func(c ike.ChildStatus) bool { return c.State != "up" })
		if len(up.Children) != children {
			return describe(all)
		}
		return ""
	})
	return up
}

// replaced says that an IKE SA has nothing left to do but to answer late repetitions.
func replaced(s ike.SAStatus) bool { return s.State == "replaced" && len(s.Children) == 0 }

// awaitSettled waits until there is nothing in the data plane but so many SA pairs.
func (g *gateway) awaitSettled(pairs int) {
	g.Helper()
	await(g, fmt.Sprintf("%d SA pairs", pairs), func() string {
		ps := g.Core().Pairs()
		if len(ps) != pairs || slices.ContainsFunc(ps, func(p control.PairStatus) bool { return !p.Out }) {
			return fmt.Sprintf("%+v", ps)
		}
		return ""
	})
}

// awaitGone waits until there is no IKE SA and no SA in the data plane.
func (g *gateway) awaitGone() {
	g.Helper()
	await(g, "no SA", func() string {
		if sas := slices.DeleteFunc(g.snapshot(), replaced); len(sas) > 0 {
			return describe(sas)
		}
		return ""
	})
	g.awaitSettled(0)
}

// describe is IKE SAs in one line.
func describe(sas []ike.SAStatus) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d IKE SAs", len(sas))
	for _, s := range sas {
		fmt.Fprintf(&b, "; %s %s %016x_%016x", s.Connection, s.State, s.SPIi, s.SPIr)
		for _, c := range s.Children {
			fmt.Fprintf(&b, ", %s %s %08x_%08x", c.Name, c.State, c.SPIIn, c.SPIOut)
		}
	}
	return b.String()
}
