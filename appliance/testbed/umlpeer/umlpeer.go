// Package umlpeer starts a Linux 7.2 kernel with IP-TFS as an ordinary process (User Mode Linux) whose network card is one
// end of a socket pair: a foreign IPsec peer for tests that needs no root, no virtual machine and no network. The kernel
// comes from the interop kit, which the environment variable STILLWATER_INTEROP names; without it, Start says why and the
// test skips:
//
//	peer, err := umlpeer.Start(ctx, umlpeer.Config{Script: script})
//	if errors.Is(err, umlpeer.ErrUnavailable) {
//		t.Skip("SKIP: " + err.Error())
//	}
//
// The kernel of Start installs SAs by command; it runs no IKE. A full socket drops frames, so keep few in flight. Every peer
// ends: by Stop, with its context, or after its time, which the kernel itself keeps as well in case the test is killed.
// StartDaemon boots the same kernel with an IKE daemon; that takes root, and a root folder that the kit has made.
//
// The guest decapsulates ESP in TCP ("espintcp PORT"). It opens no UDP encapsulation socket: it sends ESP in UDP and does
// not receive it.
package umlpeer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"stillwater/pmd/fdpmd"
)

// Link addresses of the wire. The kit's kernel has the first; the second is what scripts name as our neighbour entry.
const (
	KernelMAC = "52:54:00:00:00:01"
	OurMAC    = "52:54:00:00:00:02"
)

const (
	defaultTimeout = time.Minute
	startLimit     = 3 * time.Minute  // the first start unpacks the kernel and builds the guest program
	stopLimit      = 10 * time.Second // from the request to stop until the process is given up and killed
)

// Config says what to start.
type Config struct {
	Script  string        // guest commands, one a line; see Scenario. Start adds "life" and "console"
	Timeout time.Duration // life after the start; 0: a minute
	CPUs    int           // virtual CPUs, for per-CPU SAs; 0: one
}

// Peer is a running kernel. It is safe for concurrent use.
type Peer struct {
	console *console
	stdin   io.WriteCloser
	cancel  context.CancelFunc
	done    chan struct{} // closed when the process is gone
	exit    error         // how it ended, valid after done

	command sync.Mutex // one command at a time

	mu     sync.Mutex
	fd     int
	handed bool // FD was called: the caller closes it
	closed bool
}

// ErrEnded is returned by Command when the kernel has ended.
var ErrEnded = errors.New("the kernel peer has ended")

// Start boots a kernel and waits until it has run the script. The peer ends with ctx. The error is ErrUnavailable where
// something is missing on this machine, and carries the console's last lines where the kernel refused.
func Start(ctx context.Context, cfg Config) (*Peer, error) {
	kit, err := findKit()
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	ctx, cancel := context.WithCancel(ctx)
	limit := time.AfterFunc(startLimit, cancel)
	unlock, err := kit.lock(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("wait for another start: %w", err)
	}
	defer unlock() // parallel first starts would build the guest program on top of each other
	p := &Peer{console: newConsole(), cancel: func() { limit.Stop(); cancel() }, done: make(chan struct{})}
	if err := p.boot(ctx, kit, cfg); err != nil {
		p.cancel()
		return nil, err
	}
	if err := p.awaitReady(); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	limit.Reset(cfg.Timeout)
	return p, nil
}

// boot starts the process; its file descriptors 3 and 4 are the network card and the script.
func (p *Peer) boot(ctx context.Context, kit kit, cfg Config) error {
	script, err := scriptFile(cfg)
	if err != nil {
		return err
	}
	defer script.Close()
	ours, theirs, err := fdpmd.Pair()
	if err != nil {
		return err
	}
	nic := os.NewFile(uintptr(theirs), "nic")
	defer nic.Close()
	cmd := exec.CommandContext(ctx, kit.shell, filepath.Join(kit.dir, starter), "-n", "fd:3", "-s", "/dev/fd/4",
		"-t", strconv.Itoa(int(cfg.Timeout/time.Second)+1), "-c", strconv.Itoa(max(cfg.CPUs, 1)))
	cmd.ExtraFiles = []*os.File{nic, script}
	cmd.Stdout, cmd.Stderr = p.console, p.console
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // the starter takes the kernel with it
	cmd.WaitDelay = stopLimit
	if p.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = unix.Close(ours)
		return fmt.Errorf("start kernel peer: %w", err)
	}
	p.fd = ours
	go func() {
		p.exit = cmd.Wait()
		close(p.done)
	}()
	return nil
}

// scriptFile returns the whole guest script as an open file without a name.
func scriptFile(cfg Config) (*os.File, error) {
	fd, err := unix.MemfdCreate("script", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("script file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "script")
	if _, err := fmt.Fprintf(f, "life %s\n%s\nconsole\n", cfg.Timeout+time.Second, cfg.Script); err != nil {
		f.Close()
		return nil, fmt.Errorf("script file: %w", err)
	}
	return f, nil
}

// awaitReady waits for the line the guest prints when its script is through.
func (p *Peer) awaitReady() error {
	for {
		line, ok := p.console.next(p.done)
		switch {
		case !ok:
			return fmt.Errorf("the kernel peer did not become ready: %w\n%s", p.ended(), p.Transcript())
		case strings.HasPrefix(line, "SCRIPT ERROR"):
			return fmt.Errorf("the kernel peer refuses its script: %s", redact(line))
		case line == "READY":
			return nil
		}
	}
}

// ended is ErrEnded with what is known about the end.
func (p *Peer) ended() error {
	if p.exit != nil {
		return fmt.Errorf("%w: %w", ErrEnded, p.exit)
	}
	return ErrEnded
}

// FD hands over our end of the socket pair, one Ethernet frame per message: fdpmd.New takes it as it is. From the first
// call on it is the caller's to close; otherwise Stop closes it.
func (p *Peer) FD() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handed = true
	return p.fd
}

// maxCommand is what a terminal takes in one line; it would cut the rest off without a word.
const maxCommand = 4094

// Command runs one guest command and returns what it printed. The error is the guest's refusal, or ErrEnded. Messages of
// the kernel may stand between the lines.
func (p *Peer) Command(line string) (out []string, err error) {
	if len(line) > maxCommand || strings.ContainsFunc(line, unicode.IsControl) {
		return nil, fmt.Errorf("command %q: expected one line of at most %d octets without control characters", redact(line), maxCommand)
	}
	p.command.Lock()
	defer p.command.Unlock()
	p.console.forget()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		return nil, fmt.Errorf("command %q: %w: %w", redact(line), ErrEnded, err)
	}
	echoed := false // the console is a terminal: it repeats the command
	for {
		l, ok := p.console.next(p.done)
		if !ok {
			return out, fmt.Errorf("command %q: %w", redact(line), p.ended())
		}
		reason, failed := strings.CutPrefix(l, "error: ")
		switch {
		case failed:
			return out, fmt.Errorf("command %q: the guest says: %s", redact(line), reason)
		case l == "ok":
			return out, nil
		case l == line && !echoed:
			echoed = true
		default:
			out = append(out, l)
		}
	}
}

// Transcript returns the last lines of the console, for the message of a failed test. Keys are blotted out.
func (p *Peer) Transcript() string { return p.console.transcript() }

// Stop ends the kernel and waits until it is gone. It may be called again and in parallel.
func (p *Peer) Stop() error {
	p.cancel()
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if p.handed {
		return nil
	}
	if err := unix.Close(p.fd); err != nil {
		return fmt.Errorf("stop kernel peer: %w", err)
	}
	return nil
}
