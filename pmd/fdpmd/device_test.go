package fdpmd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

func TestParse(t *testing.T) {
	mac := [6]byte{0x52, 0x54, 0, 0, 0, 2}
	for args, want := range map[string]Options{
		"3":                             {},
		"3,link=ethernet":               {},
		"3,link=raw":                    {Link: pmd.RawIP},
		"3,mac=52:54:00:00:00:02":       {MAC: mac},
		"3,link=raw,mac=5254.0000.0002": {MAC: mac, Link: pmd.RawIP},
	} {
		want.Name = "fd:" + args
		if fd, got, err := parse(args); err != nil || fd != 3 || got != want {
			t.Errorf("%q: fd %d, %+v, %v; expected 3, %+v", args, fd, got, err, want)
		}
	}
}

// Every refusal names the word that is wrong and what was expected.
func TestParseErrors(t *testing.T) {
	for args, want := range map[string]string{
		"":                         `file descriptor "": expected a number`,
		"-1":                       `file descriptor "-1": expected a number`,
		"x,link=raw":               `file descriptor "x": expected a number`,
		"99999999999":              `file descriptor "99999999999": expected a number`,
		"3,link=token":             `link "token": expected ethernet or raw`,
		"3,mac=1":                  `mac "1": expected a unicast Ethernet address`,
		"3,mac=01:00:5e:00:00:01":  `mac "01:00:5e:00:00:01": expected a unicast Ethernet address`,
		"3,mac=0:0:0:0:0:0:0:1":    `mac "0:0:0:0:0:0:0:1": expected a unicast`,
		"3,queues=2":               `argument "queues=2": expected link= or mac=`,
		"3,":                       `argument "": expected link= or mac=`,
		"3,mac=52-54-0-0-0-2":      `mac "52-54-0-0-0-2": expected a unicast`,
		"3,link=ethernet,mac=,x=1": `mac "": expected a unicast`,
	} {
		if _, _, err := parse(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %s", args, err, want)
		}
	}
}

// The registered driver opens an inherited descriptor and describes itself by the device string.
func TestOpenDevice(t *testing.T) {
	fd, peer, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(peer)
	device := fmt.Sprintf("fd:%d,mac=52:54:00:00:00:02", fd)
	p, err := pmd.Open(device, pmd.Config{RxPools: []*mbuf.Pool{newPool(t)}, MTU: 9000})
	if err != nil {
		t.Fatal(err)
	}
	want := pmd.Info{Name: device, Driver: "fd", MAC: [6]byte{0x52, 0x54, 0, 0, 0, 2}, MTU: 9000, RxQueues: 1, Node: -1, Steering: "none"}
	if got := p.Info(); got != want {
		t.Errorf("info %+v, expected %+v", got, want)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("the descriptor is still open after Close: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	good, peer, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{good, peer, stream[0], stream[1], pipe[0], pipe[1]} {
		defer unix.Close(fd)
	}
	pool := newPool(t)
	one := []*mbuf.Pool{pool}
	for _, c := range []struct {
		fd   int
		cfg  pmd.Config
		want string
	}{
		{stream[0], pmd.Config{RxPools: one}, "expected seqpacket (5) or datagram (2)"},
		{pipe[0], pmd.Config{RxPools: one}, "expected a socket"},
		{good, pmd.Config{RxPools: []*mbuf.Pool{pool, pool}}, "one queue in each direction"},
		{good, pmd.Config{TxPools: []*mbuf.Pool{pool, pool}}, "one queue in each direction"},
		{good, pmd.Config{RxPools: []*mbuf.Pool{nil}}, "no mbuf pool"},
		{good, pmd.Config{RxPools: one, MTU: 67}, "mtu 67: expected 68 to 65518"},
		{good, pmd.Config{RxPools: one, MTU: 65519}, "mtu 65519: expected 68 to 65518"},
	} {
		if _, err := New(c.fd, c.cfg, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, expected %s", err, c.want)
		}
	}
	if _, err := unix.FcntlInt(uintptr(good), unix.F_GETFD, 0); err != nil {
		t.Errorf("a refused descriptor must stay open: %v", err)
	}
}

// The address drawn for a port is locally administered (IEEE 802: second bit of the first octet) and unicast.
func TestDrawnMAC(t *testing.T) {
	a, b := newRig(t, Options{}).port.Info().MAC, newRig(t, Options{}).port.Info().MAC
	for _, mac := range [][6]byte{a, b} {
		if mac[0]&3 != 2 {
			t.Errorf("address %x is not local unicast", mac)
		}
	}
	if a == b {
		t.Errorf("two ports drew the same address %x", a)
	}
}

// A queue that was not asked for is a programmer's error.
func TestNoSuchQueue(t *testing.T) {
	p := newRig(t, Options{}).port
	for name, use := range map[string]func(){"rx": func() { p.Rx(1) }, "tx": func() { p.Tx(-1) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			use()
		}()
	}
}
