package appliance_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// example loads a file of configs/ from a folder of its own, where the secrets that it names exist.
func example(t *testing.T, file string) *config.Config {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range regexp.MustCompile(`psk_file = "(.*)"`).FindAllSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(dir, string(m[1])), []byte("not much of a secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(copied)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start runs an appliance until the test ends and waits until it is ready.
func start(t *testing.T, cfg *config.Config, open func(string, pmd.Config) (pmd.Port, error)) *appliance.Appliance {
	t.Helper()
	a, err := appliance.New(cfg, appliance.Options{Yield: true, Open: open, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-a.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatalf("ended before it was ready: %v", err)
	}
	return a
}

// TestExampleConfigurations loads every example and brings it up, each of its NICs replaced by an in-memory wire, until all
// static SAs are installed; then it drains.
func TestExampleConfigurations(t *testing.T) {
	files, err := filepath.Glob("../configs/*.toml")
	if err != nil || len(files) < 7 {
		t.Fatalf("found %d examples (%v), expected at least 7", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			cfg := example(t, f)
			a := start(t, cfg, onWires(t))
			if s := a.Status(); len(s.SAs) == 0 && len(cfg.Connections) == 0 || len(s.Ports) != 2 {
				t.Errorf("%d SAs and %d ports are up, expected some and 2", len(s.SAs), len(s.Ports))
			}
		})
	}
}

// TestExampleGateways brings up the gateways of the IKE example against each other, over an Ethernet where they find each
// other by ARP.
func TestExampleGateways(t *testing.T) {
	outside, err := softpmd.NewWire(softpmd.WireConfig{Name: "outside"})
	if err != nil {
		t.Fatal(err)
	}
	var gates []*appliance.Appliance
	for i, side := range []string{"a", "b"} {
		inside := onWires(t)
		gates = append(gates, start(t, example(t, "../configs/ike-gateway-"+side+".toml"), func(device string, cfg pmd.Config) (pmd.Port, error) {
			if strings.Contains(device, "eth0") {
				return outside.Open(softpmd.End(i), cfg)
			}
			return inside(device, cfg)
		}))
	}
	for _, g := range gates {
		until(t, "both gateways have a pair of SAs that sends", func() bool {
			p := g.Core().Pairs()
			return len(p) > 0 && p[0].Out
		})
	}
}

// onWires opens an Ethernet wire for each device, whatever its driver.
func onWires(t *testing.T) func(string, pmd.Config) (pmd.Port, error) {
	return func(device string, cfg pmd.Config) (pmd.Port, error) {
		w, err := softpmd.NewWire(softpmd.WireConfig{Name: strings.ReplaceAll(device, ":", "-")})
		if err != nil {
			return nil, err
		}
		return w.Open(softpmd.A, cfg)
	}
}
