package testbed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// writeSecret draws the secret that both gateways of a pair authenticate with and puts it in a file of a folder of its own.
func writeSecret() (file string, err error) {
	dir, err := os.MkdirTemp("", "stillwater-pair-")
	if err != nil {
		return "", err
	}
	var secret [32]byte
	rand.Read(secret[:])
	file = filepath.Join(dir, "psk")
	if err := os.WriteFile(file, []byte(hex.EncodeToString(secret[:])), 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return file, nil
}

// connectTime bounds how long two gateways on one wire may take to agree; lookEvery is how often they are asked.
const (
	connectTime = 20 * time.Second
	lookEvery   = 200 * time.Microsecond
)

// connect lets the first gateway initiate and waits until both send and receive on all SAs that come up front.
func (p *Pair) connect(ctx context.Context) error {
	if p.static {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, connectTime)
	defer stop()
	began := time.Now()
	if err := p.Appliances[0].Core().Initiate(ctx, "t", ""); err != nil {
		return err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !p.sending(p.upFront) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("gateways have not agreed on %d SA pairs after %v: %w", p.upFront, time.Since(began).Round(time.Millisecond), ctx.Err())
		}
	}
	p.IKETime = time.Since(began)
	return nil
}

// warmTime bounds the warm-up: lcores that no flow reaches never ask for an SA.
const warmTime = 2 * time.Second

// warmUp sends until every lcore at both ends has an SA of its own, and waits for what is on its way.
func (p *Pair) warmUp(ctx context.Context) {
	if p.static || p.lcores == p.upFront {
		return
	}
	ctx, stop := context.WithTimeout(ctx, warmTime)
	defer stop()
	go func() {
		defer stop()
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for !p.sending(p.lcores) && ctx.Err() == nil {
			<-tick.C
		}
	}()
	p.Traffic.Run(ctx)
	p.WarmUp = p.Traffic.Tally()
}

// sending reports whether both gateways seal on so many lcores.
func (p *Pair) sending(lcores int) bool {
	for _, a := range p.Appliances {
		seals := map[int]bool{}
		for _, s := range a.Core().Pairs() {
			if s.Out {
				seals[s.Lcore] = true
			}
		}
		if len(seals) < lcores {
			return false
		}
	}
	return true
}

// ikeEvery is how many rekeys of Child SAs there are for one of the IKE SA.
const ikeEvery = 4

// keepRekeying replaces SAs while traffic flows, from both ends in turn, until the returned function is called.
func (p *Pair) keepRekeying(ctx context.Context) (stop func() error) {
	if p.rekeyEvery <= 0 {
		return func() error { return nil }
	}
	done, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(p.rekeyEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-done:
				ended <- nil
				return
			}
			if err := p.Appliances[n%2].Core().Rekey(ctx, "t", n%ikeEvery == ikeEvery-1, n%ikeEvery != ikeEvery-1); err != nil {
				ended <- fmt.Errorf("rekey %d: %w", n, err)
				return
			}
		}
	}()
	return func() error { close(done); return <-ended }
}
