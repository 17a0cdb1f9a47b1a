package umlpeer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Implementation names an IKE daemon of the kit's root folder.
type Implementation string

// The implementations.
const (
	StrongSwan Implementation = "strongswan" // 6.1: IP-TFS, per-CPU SAs, ML-KEM
	Libreswan  Implementation = "libreswan"  // 5.2
)

// logs are the files in the shared folder that the daemons write.
var logs = map[Implementation]string{StrongSwan: "charon.log", Libreswan: "pluto.log"}

// DaemonConfig says what to start.
type DaemonConfig struct {
	Implementation Implementation
	Interface      string   // the kernel's network card: one end of a veth pair, up and without addresses
	Args           []string // options of the kit's script, beside folder, interface and time
	Folder         string   // empty folder that the guest sees as /share
	Timeout        time.Duration
	// Enter runs f in the network namespace of Interface.
	Enter func(f func() error) error
}

// Daemon is an IKE daemon on a kernel of its own. It is safe for concurrent use.
type Daemon struct {
	peer    *Peer
	control []string // the kit's program that runs a command in the guest, and its first arguments
	log     string   // path of the daemon's log
}

// StartDaemon boots a kernel with an IKE daemon and waits until that listens. It ends with ctx. The error is ErrUnavailable
// where something is missing on this machine.
func StartDaemon(ctx context.Context, cfg DaemonConfig) (*Daemon, error) {
	kit, err := findKit()
	if err != nil {
		return nil, err
	}
	if err := kit.findRoot(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	limit := time.AfterFunc(startLimit, cancel)
	unlock, err := kit.lock(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("wait for another start: %w", err)
	}
	defer unlock()
	p := &Peer{console: newConsole(), cancel: func() { limit.Stop(); cancel() }, done: make(chan struct{}), fd: -1, handed: true}
	d := &Daemon{
		peer: p, control: []string{kit.shell, filepath.Join(kit.dir, "ikectl.sh"), cfg.Folder},
		log: filepath.Join(cfg.Folder, logs[cfg.Implementation]),
	}
	if err := p.bootDaemon(ctx, kit, cfg); err != nil {
		p.cancel()
		return nil, err
	}
	if err := p.awaitReady(); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	limit.Reset(cfg.Timeout)
	return d, nil
}

// findRoot looks for the root folder of the daemons, which only root can make and which takes a minute: tests do not.
func (k kit) findRoot() error {
	suite := os.Getenv("SUITE") // the kit's own variable for another Debian
	if suite == "" {
		suite = "forky"
	}
	if _, err := os.Stat(filepath.Join(k.cache, "rootfs-"+suite, ".complete")); err != nil {
		return fmt.Errorf("%w: root folder of the IKE daemons (mk-rootfs.sh of the kit makes it): %w", ErrUnavailable, err)
	}
	return nil
}

// bootDaemon starts the process in the namespace of its network card.
func (p *Peer) bootDaemon(ctx context.Context, kit kit, cfg DaemonConfig) error {
	args := []string{
		filepath.Join(kit.dir, string(cfg.Implementation)+"-peer.sh"), "-o", cfg.Folder, "-n", "raw:" + cfg.Interface,
		"-t", strconv.Itoa(int(cfg.Timeout/time.Second) + 1),
	}
	cmd := exec.CommandContext(ctx, kit.shell, append(args, cfg.Args...)...)
	cmd.Stdout, cmd.Stderr = p.console, p.console
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // the starter takes the kernel with it
	cmd.WaitDelay = stopLimit
	if err := cfg.Enter(cmd.Start); err != nil {
		return fmt.Errorf("start %s peer: %w", cfg.Implementation, err)
	}
	go func() {
		p.exit = cmd.Wait()
		close(p.done)
	}()
	return nil
}

// Run runs a shell command in the guest and returns what it printed.
func (d *Daemon) Run(ctx context.Context, command string) (string, error) {
	d.peer.command.Lock()
	defer d.peer.command.Unlock()
	args := append(slices.Clone(d.control[1:]), command)
	out, err := exec.CommandContext(ctx, d.control[0], args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", command, err, out)
	}
	return string(out), nil
}

// Log is what the daemon has logged so far.
func (d *Daemon) Log() string {
	b, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Transcript returns the last lines of the console, for the message of a failed test.
func (d *Daemon) Transcript() string { return d.peer.Transcript() }

// Stop ends the kernel, as a power cut would, and waits until it is gone. It may be called again and in parallel.
func (d *Daemon) Stop() error { return d.peer.Stop() }
