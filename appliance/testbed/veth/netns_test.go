package veth

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// netns is a network namespace of its own, on a thread that is in it for good. It goes with the thread.
type netns struct {
	tid  int
	work chan func()
}

// newNetns makes a namespace that ends with the test.
func newNetns(t *testing.T) *netns {
	t.Helper()
	ns := &netns{work: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		ns.tid = unix.Gettid()
		err := unix.Unshare(unix.CLONE_NEWNET)
		entered <- err
		if err != nil {
			return
		}
		for f := range ns.work {
			f()
		}
	}()
	if err := <-entered; err != nil {
		t.Skipf("SKIP: no network namespace: %v", err)
	}
	t.Cleanup(func() { close(ns.work) })
	return ns
}

// in runs f on the thread that is in the namespace. Sockets and processes keep the namespace they were started in.
func (ns *netns) in(f func() error) error {
	done := make(chan error)
	ns.work <- func() { done <- f() }
	return <-done
}

// ip runs commands of the program ip in the namespace, one a line.
func (ns *netns) ip(lines ...string) error {
	return ns.in(func() error {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip -batch: %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// sysctl writes a setting of the namespace; one that the kernel was built without is no error.
func (ns *netns) sysctl(name, value string) error {
	return ns.in(func() error {
		err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
}

// needPrivilege skips tests that make namespaces where that cannot work.
func needPrivilege(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIP: network namespaces and packet sockets need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("SKIP: program ip (iproute2) is missing")
	}
}
