package afpacket

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

func TestParse(t *testing.T) {
	for args, want := range map[string]device{
		"eth0":                   {ifname: "eth0"},
		"eth0.100,mtu=1400":      {ifname: "eth0.100", mtu: 1400},
		"wan,promisc,mtu=9000":   {ifname: "wan", mtu: 9000, promisc: true},
		"with spaces: odd,mtu=1": {ifname: "with spaces: odd", mtu: 1},
	} {
		want.name = "afpacket:" + args
		if got, err := parse(args); err != nil || got != want {
			t.Errorf("%q: %+v, %v; expected %+v", args, got, err, want)
		}
	}
	for args, want := range map[string]string{
		"":               `interface "": expected a name`,
		",mtu=5":         `interface "": expected a name`,
		"eth0,mtu=":      `mtu "": expected octets`,
		"eth0,mtu=-1":    `mtu "-1": expected octets`,
		"eth0,mtu=9k":    `mtu "9k": expected octets`,
		"eth0,queues=2":  `argument "queues=2": expected mtu= or promisc`,
		"eth0,promisc=1": `argument "promisc=1": expected mtu= or promisc`,
	} {
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %s", args, err, want)
		}
	}
}

// newPool returns a pool that has to be whole again when the test ends.
func newPool(tb testing.TB) *mbuf.Pool {
	tb.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: "test", N2K: 512, N9K: 512})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// Every refusal names the interface, and nothing stays open behind it.
func TestOpenRefuses(t *testing.T) {
	ns := newNetns(t)
	ns.ip(t, "link", "set", "swb", "mtu", "1500")
	one := []*mbuf.Pool{newPool(t)}
	for _, c := range []struct {
		args string
		cfg  pmd.Config
		want string
	}{
		{"nosuch0", pmd.Config{RxPools: one}, `interface "nosuch0": `},
		{"lo", pmd.Config{RxPools: one, MTU: 68}, `expected an Ethernet interface`},
		{"swb,mtu=1501", pmd.Config{RxPools: one}, `interface "swb": mtu 1501, expected 68 to the interface's 1500`},
		{"swb", pmd.Config{RxPools: one, MTU: 9000}, `interface "swb": mtu 9000, expected 68 to the interface's 1500`},
		{"swb,mtu=67", pmd.Config{RxPools: one}, `interface "swb": mtu 67`},
		{"swb", pmd.Config{RxPools: []*mbuf.Pool{one[0], nil}}, `queue 1: no mbuf pool`},
		{"swb", pmd.Config{TxPools: make([]*mbuf.Pool, 257)}, `257 queues: expected at most 256`},
	} {
		ns.in(func() {
			if p, err := pmd.Open("afpacket:"+c.args, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, %v; expected %s", c.args, p, err, c.want)
			}
		})
	}
}

// Without CAP_NET_RAW the error says so: the first thing a new operator meets.
func TestOpenWithoutTheRight(t *testing.T) {
	ns := newNetns(t)
	one := []*mbuf.Pool{newPool(t)}
	ns.in(func() {
		if err := dropNetRaw(); err != nil {
			t.Error(err)
			return
		}
		_, err := pmd.Open("afpacket:swa", pmd.Config{RxPools: one})
		if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "CAP_NET_RAW") || !strings.Contains(err.Error(), `"swa"`) {
			t.Errorf("%v, expected EPERM that names swa and CAP_NET_RAW", err)
		}
	})
}

// dropNetRaw takes CAP_NET_RAW from the calling thread: the namespace's own, which ends with it.
func dropNetRaw() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&hdr, &sets[0]); err != nil {
		return err
	}
	sets[0].Effective &^= 1 << unix.CAP_NET_RAW
	return unix.Capset(&hdr, &sets[0])
}

// Address and MTU are the interface's unless the device string or the configuration ask for less.
func TestInfo(t *testing.T) {
	ns := newNetns(t)
	one := []*mbuf.Pool{newPool(t)}
	for args, mtu := range map[string]int{"swa": 9000, "swa,mtu=1400": 1400} {
		p := ns.open(t, args, pmd.Config{RxPools: one, TxPools: one})
		want := pmd.Info{Name: "afpacket:" + args, Driver: "afpacket", MAC: [6]byte(ns.iface(t, "swa").HardwareAddr), MTU: mtu,
			RxQueues: 1, TxQueues: 1, Node: -1, Steering: "none"}
		if got := p.Info(); got != want {
			t.Errorf("info %+v, expected %+v", got, want)
		}
		for range 2 {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if s := p.Stats(); s != (pmd.Stats{}) {
			t.Errorf("stats after Close: %+v, expected none", s)
		}
	}
}
