package veth

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestProgram builds the program, runs it as an operator would on both gateways, passes a datagram both ways, and ends it
// with SIGTERM.
func TestProgram(t *testing.T) {
	seed := drawSeed(t)
	n := newNetwork(t, insideMTU)
	program := buildProgram(t)
	c := tunnel{mode: "aggregate", encap: "none"}
	var gateways [2]*process
	for i, text := range c.texts(n, `poll = "adaptive"`) {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("gateway-%d.toml", i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		gateways[i] = startProcess(t, nameNetns(t, n[i].gateway, i), program, "run", "-c", file)
	}
	untilCarried(t, n, seed)
	for i, p := range gateways {
		if err := p.terminate(); err != nil {
			t.Errorf("gateway %d: %v\n%s", i, err, &p.log)
		}
	}
}

// buildProgram returns the path of the program.
func buildProgram(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("SKIP: program go is missing")
	}
	path := filepath.Join(t.TempDir(), "stillwater")
	if out, err := exec.Command("go", "build", "-o", path, "stillwater/appliance/cmd/stillwater").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// nameNetns gives a namespace a name for "ip netns exec" until the test ends.
func nameNetns(t *testing.T, ns *netns, i int) string {
	t.Helper()
	name := fmt.Sprintf("stillwater-%d-%d", os.Getpid(), i)
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

// process is a running program; log may be read once it has ended.
type process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan error
}

// startProcess starts a program in a named namespace. It is killed where the test has not ended it.
func startProcess(t *testing.T, netnsName string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command("ip", append([]string{"netns", "exec", netnsName}, args...)...), ended: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.ended <- p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // an error says that it has ended
		<-p.ended
		if t.Failed() {
			t.Logf("%v:\n%s", args, &p.log)
		}
	})
	return p
}

// terminate asks the process to end; it must do so with status 0.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(unix.SIGTERM); err != nil {
		return fmt.Errorf("SIGTERM: %w", err)
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("has not ended %v after SIGTERM", limit)
	}
}

// untilCarried sends a datagram again and again until the other host has it, then the answer until the first has that:
// programs take their time to come up and say so only in their logs.
func untilCarried(t *testing.T, n *network, seed uint64) {
	t.Helper()
	near, nearAt := openUDP(t, n[0].host, n[0].host4)
	far, farAt := openUDP(t, n[1].host, n[1].host4)
	wait := unix.NsecToTimeval(int64(insistEvery))
	for _, fd := range []int{near, far} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
			t.Fatal(err)
		}
	}
	request, answer := make([]byte, largestDatagram), make([]byte, largestDatagram)
	source := newPayload(seed)
	fill(source, request)
	fill(source, answer)
	err := errors.Join(insist(near, far, sockaddr(farAt), request), insist(far, near, sockaddr(nearAt), answer))
	if err != nil {
		t.Fatal(err)
	}
}

// insistEvery is how long a datagram has to arrive before it is sent again.
const insistEvery = 100 * time.Millisecond

// insist sends a datagram until it arrives, for no longer than limit.
func insist(from, to int, at unix.Sockaddr, d []byte) error {
	b := make([]byte, insideMTU)
	for range int(limit / insistEvery) {
		if err := unix.Sendto(from, d, 0, at); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		switch n, ttl, _, err := receiveTTL(to, b); {
		case errors.Is(err, unix.EAGAIN):
		case err != nil:
			return err
		case !bytes.Equal(b[:n], d) || ttl != arrivedTTL:
			return fmt.Errorf("another datagram arrived: %d octets, TTL %d", n, ttl)
		default:
			return nil
		}
	}
	return fmt.Errorf("no datagram arrived within %v", limit)
}
