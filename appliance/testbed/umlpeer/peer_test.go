package umlpeer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// start boots a peer for one test, or skips it with the reason.
func start(t *testing.T, cfg Config) *Peer {
	t.Helper()
	p, err := Start(t.Context(), cfg)
	if errors.Is(err, ErrUnavailable) {
		t.Skip("SKIP: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(p.Transcript())
		}
	})
	return p
}

func TestBootCommandStop(t *testing.T) {
	p := start(t, Config{Script: "link vec0 mtu 1400 up\naddr vec0 192.0.2.1/24\nsa -src 192.0.2.2 -dst 192.0.2.1 -spi 0x1001 -dir in -key " + strings.Repeat("5a", 20)})
	out, err := p.Command("dump")
	if err != nil || len(out) != 1 || !strings.Contains(out[0], "spi=0x1001") || !strings.Contains(out[0], "mode=iptfs") {
		t.Errorf("dump: %q, %v; expected one iptfs SA 0x1001", out, err)
	}
	if out, err := p.Command("flush"); err != nil || len(out) != 0 {
		t.Errorf("flush: %q, %v", out, err)
	}
	if out, err := p.Command("dump"); err != nil || len(out) != 0 {
		t.Errorf("dump after flush: %q, %v; expected nothing", out, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := p.Command("dump"); !errors.Is(err, ErrEnded) {
		t.Errorf("command after Stop: %v, expected ErrEnded", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if s := p.Transcript(); strings.Contains(s, "5a5a") {
		t.Errorf("the transcript shows a key:\n%s", s)
	}
}

// A refused command is an error and not the end; a command of several lines would be several commands.
func TestCommandErrors(t *testing.T) {
	p := start(t, Config{})
	for line, want := range map[string]string{
		"fly":                        `command "fly": the guest says: unknown command "fly"`,
		"addr vec0 192.0.2.1":        `no '/'`,
		"delsa 192.0.2.1 0x1":        `no such process`,
		"flush\nquit":                `expected one line`,
		"stat \x03":                  `without control characters`,
		strings.Repeat("stat ", 819): `at most 4094 octets`,
		"sa -key 5a5a -src x -dst y": `command "sa -key ... -src x -dst y": the guest says: `,
	} {
		if _, err := p.Command(line); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrEnded) {
			t.Errorf("%q: %v, expected %s", line, err, want)
		}
	}
	longest := "# " + strings.Repeat("x", maxCommand-2)
	if out, err := p.Command(longest); err != nil || len(out) != 0 {
		t.Errorf("a line of %d octets: %.60q, %v", len(longest), out, err)
	}
}

func TestCommandsInParallel(t *testing.T) {
	p := start(t, Config{Script: "dummy d0"})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			line, refused := "stat", i%2 == 1
			if refused {
				line = "nonsense"
			}
			for range 5 {
				if _, err := p.Command(line); (err != nil) != refused {
					t.Errorf("%s: %v", line, err)
				}
			}
		})
	}
	wg.Wait()
}

// A script the guest refuses fails Start with the guest's own words, without the key.
func TestStartRefusedScript(t *testing.T) {
	p, err := Start(t.Context(), Config{Script: "sa -src 192.0.2.2 -dst 192.0.2.1 -spi 1 -key 5a5a5a -dir sideways"})
	if errors.Is(err, ErrUnavailable) {
		t.Skip("SKIP: " + err.Error())
	}
	if p != nil || err == nil || !strings.Contains(err.Error(), "SCRIPT ERROR") || strings.Contains(err.Error(), "5a5a5a") {
		t.Errorf("%v, %v; expected the guest's refusal", p, err)
	}
}

// Every peer ends by itself: with its context, and after its time.
func TestBoundedLife(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"context": time.Minute, "timeout": time.Second} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p, err := Start(ctx, Config{Timeout: timeout})
			if errors.Is(err, ErrUnavailable) {
				t.Skip("SKIP: " + err.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			if name == "context" {
				cancel()
			}
			<-p.done
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The kernel that powers itself off is an ended peer.
func TestGuestQuits(t *testing.T) {
	p := start(t, Config{})
	if _, err := p.Command("quit"); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if _, err := p.Command("stat"); !errors.Is(err, ErrEnded) {
		t.Errorf("%v, expected ErrEnded", err)
	}
}

// Our end of the wire is closed by Stop, unless it was handed over.
func TestOwnershipOfTheWire(t *testing.T) {
	kept, given := start(t, Config{}), start(t, Config{})
	fd := given.FD()
	for _, p := range []*Peer{kept, given} {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		t.Errorf("the handed over end: %v, expected it open", err)
	}
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
}
