package appliance_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// TestExampleConfigurations loads every example and brings it up, each of its NICs replaced by an in-memory wire, until all
// SAs are installed; then it drains.
func TestExampleConfigurations(t *testing.T) {
	files, err := filepath.Glob("../configs/*.toml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d examples (%v), expected at least 4", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			cfg, err := config.Load(f)
			if err != nil {
				t.Fatal(err)
			}
			a, err := appliance.New(cfg, appliance.Options{Yield: true, Open: onWires(t), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			select {
			case <-a.Ready():
			case err := <-ended:
				t.Fatalf("ended before it was ready: %v", err)
			}
			if s := a.Status(); len(s.SAs) == 0 || len(s.Ports) != 2 {
				t.Errorf("%d SAs and %d ports are up, expected some and 2", len(s.SAs), len(s.Ports))
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
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
