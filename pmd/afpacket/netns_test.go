package afpacket

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// netns is a network namespace of its own, on a thread that is in it for good. It goes with the thread.
//
//	swa <--- veth pair ---> swb      MTU 9000, up, no kernel address, no IPv6 chatter
type netns struct{ work chan func() }

// newNetns makes the namespace and the pair; it skips the test where that is not possible.
func newNetns(t *testing.T) *netns {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIP: making a network namespace needs root")
	}
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("SKIP: program ip (iproute2) is missing")
	}
	ns := &netns{work: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		entered <- err
		if err == nil {
			for f := range ns.work {
				f()
			}
		}
	}()
	if err := <-entered; err != nil {
		t.Skipf("SKIP: no network namespace: %v", err)
	}
	t.Cleanup(func() { close(ns.work) })
	ns.in(func() { err = makePair(ip) })
	if err != nil {
		t.Skipf("SKIP: no veth pair: %v", err)
	}
	return ns
}

// in runs f on the thread that is in the namespace. Sockets keep the namespace they were opened in.
func (ns *netns) in(f func()) {
	done := make(chan struct{})
	ns.work <- func() { defer close(done); f() }
	<-done
}

// makePair runs in the namespace.
func makePair(ip string) error {
	// Router solicitations and multicast reports would be packets nobody sent. A kernel without IPv6 sends none.
	if err := disableIPv6("default", "1"); err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, args := range [][]string{
		{"link", "add", "swa", "mtu", "9000", "type", "veth", "peer", "name", "swb", "mtu", "9000"},
		{"link", "set", "swa", "up"},
		{"link", "set", "swb", "up"},
	} {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", args, err, out)
		}
	}
	return nil
}

// disableIPv6 writes the switch of an interface or of those to come; it runs in the namespace.
func disableIPv6(dev, value string) error {
	return os.WriteFile("/proc/sys/net/ipv6/conf/"+dev+"/disable_ipv6", []byte(value), 0)
}

// ip runs one ip command in the namespace.
func (ns *netns) ip(t *testing.T, args ...string) {
	t.Helper()
	ns.in(func() {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Errorf("ip %v: %v: %s", args, err, out)
		}
	})
}

// iface looks an interface up in the namespace.
func (ns *netns) iface(t *testing.T, name string) (ifi *net.Interface) {
	t.Helper()
	ns.in(func() {
		var err error
		if ifi, err = net.InterfaceByName(name); err != nil {
			t.Error(err)
		}
	})
	if ifi == nil {
		t.FailNow()
	}
	return ifi
}
