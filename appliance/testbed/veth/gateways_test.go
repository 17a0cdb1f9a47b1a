package veth

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	_ "stillwater/pmd/afpacket"
)

// limit bounds every single wait; it is far above what anything takes.
const limit = 5 * time.Second

// gateway is an appliance of this process in its namespace.
type gateway struct {
	*appliance.Appliance
	cancel context.CancelFunc
	ended  chan error
}

// startGateways brings both appliances up. Those that a test has not stopped end with it.
func startGateways(t *testing.T, n *network, c tunnel) [2]*gateway {
	t.Helper()
	var gs [2]*gateway
	for i, text := range c.texts(n, "") {
		cfg, err := config.Parse(fmt.Sprintf("gateway %d", i), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		gs[i] = startGateway(t, n[i].gateway, cfg)
	}
	for i, g := range gs {
		select {
		case <-g.Ready():
		case err := <-g.ended:
			t.Fatalf("gateway %d ended before it was ready: %v", i, err)
		case <-time.After(limit):
			t.Fatalf("gateway %d is not ready after %v", i, limit)
		}
	}
	return gs
}

// startGateway opens an appliance in a namespace, where its sockets stay, and runs it.
func startGateway(t *testing.T, ns *netns, cfg *config.Config) *gateway {
	t.Helper()
	g := &gateway{ended: make(chan error, 1)}
	err := ns.in(func() (err error) {
		g.Appliance, err = appliance.New(cfg, appliance.Options{Yield: true, Log: slog.New(slog.DiscardHandler)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	go func() {
		g.ended <- g.Run(ctx)
		close(g.ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			s := g.Status()
			t.Logf("%s: drops %v, ports %+v, lcores %+v", s.Name, s.Drops, s.Ports, s.Lcores)
		}
		if err := g.stop(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// stop drains an appliance and returns the error of its Run; a second call does nothing.
func (g *gateway) stop() error {
	g.cancel()
	select {
	case err := <-g.ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("appliance has not ended %v after it was cancelled", limit)
	}
}
