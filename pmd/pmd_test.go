package pmd_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// nullPort stands in where only the registry is under test.
type nullPort struct {
	pmd.Port
	args string
	cfg  pmd.Config
}

var errNoDevice = errors.New("no such device")

func init() {
	pmd.Register("null", "anything", func(args string, cfg pmd.Config) (pmd.Port, error) {
		if args == "broken" {
			return nil, errNoDevice
		}
		return &nullPort{args: args, cfg: cfg}, nil
	})
	pmd.Register("also", "another driver", func(string, pmd.Config) (pmd.Port, error) { return nil, errNoDevice })
}

func oneQueue() pmd.Config { return pmd.Config{RxPools: make([]*mbuf.Pool, 1), MTU: 1234} }

// TestOpen: the driver gets everything behind the first colon, and the configuration as it is.
func TestOpen(t *testing.T) {
	for device, want := range map[string]string{"null:a,b=c": "a,b=c", "null:": "", "null:1:2": "1:2"} {
		p, err := pmd.Open(device, oneQueue())
		if err != nil {
			t.Errorf("%s: %v", device, err)
			continue
		}
		if got := p.(*nullPort); got.args != want || got.cfg.MTU != 1234 {
			t.Errorf("%s: the driver got %q and MTU %d", device, got.args, got.cfg.MTU)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for device, want := range map[string]string{
		"eth0":        `device "eth0": expected driver:arguments`,
		"":            `device "": expected driver:arguments`,
		"dpdk:0":      `device "dpdk:0": unknown driver "dpdk", this program has: also, null`,
		"Null:x":      `unknown driver "Null"`,
		"null:broken": `open device "null:broken": no such device`,
	} {
		p, err := pmd.Open(device, oneQueue())
		if p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: port %v, error %v, expected %s", device, p, err, want)
		}
	}
	if _, err := pmd.Open("null:broken", oneQueue()); !errors.Is(err, errNoDevice) {
		t.Errorf("the driver's error is not wrapped: %v", err)
	}
	if _, err := pmd.Open("null:x", pmd.Config{}); err == nil || !strings.Contains(err.Error(), "no queues asked for") {
		t.Errorf("without queues: error %v", err)
	}
}

func TestDrivers(t *testing.T) {
	names, help := pmd.Drivers()
	if !slices.Equal(names, []string{"also", "null"}) || help["null"] != "anything" || help["also"] != "another driver" {
		t.Errorf("drivers %v, help %v", names, help)
	}
	help["null"] = "changed"
	if _, again := pmd.Drivers(); again["null"] != "anything" {
		t.Error("the caller's map is the registry's")
	}
}

func TestRegisterTwicePanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "null") {
			t.Errorf("panic %v, expected one that names the driver", r)
		}
		if names, _ := pmd.Drivers(); len(names) != 2 {
			t.Errorf("drivers %v: the registry is unlocked and unchanged after the panic", names)
		}
	}()
	pmd.Register("null", "again", nil)
}

func TestLinkString(t *testing.T) {
	if pmd.Ethernet.String() != "ethernet" || pmd.RawIP.String() != "raw" {
		t.Errorf("links are named %q and %q", pmd.Ethernet, pmd.RawIP)
	}
}
