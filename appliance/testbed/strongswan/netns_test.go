package strongswan

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
func newNetns(t testing.TB) *netns {
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

// run runs a program in the namespace with an input and returns what it printed.
func (ns *netns) run(input, name string, args ...string) (out string, err error) {
	var b bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &b, &b
	if err := ns.in(cmd.Start); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return b.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(b.Bytes()))
	}
	return b.String(), nil
}

// ip runs commands of the program ip in the namespace, one a line.
func (ns *netns) ip(lines ...string) error {
	_, err := ns.run(strings.Join(lines, "\n"), "ip", "-batch", "-")
	return err
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

// name gives the namespace a name for "ip netns exec" until the test ends.
func (ns *netns) name(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("stillwater-%d-%d", os.Getpid(), ns.tid)
	if out, err := exec.Command("ip", "netns", "attach", name, fmt.Sprint(ns.tid)).CombinedOutput(); err != nil {
		t.Skipf("SKIP: ip netns attach: %v: %s", err, bytes.TrimSpace(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
			t.Errorf("ip netns delete: %v: %s", err, bytes.TrimSpace(out))
		}
	})
	return name
}

// needPrograms skips tests where they cannot work.
func needPrograms(t testing.TB, names ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIP: network namespaces and packet sockets need root")
	}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("SKIP: program %s is missing", name)
		}
	}
}
