package kernel

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/appliance/testbed/umlpeer"
	"stillwater/pmd"
	"stillwater/pmd/fdpmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// testSeed returns the seed a random test runs with and logs it, so that a failure can be repeated with -seed.
func testSeed(t testing.TB) uint64 {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return s
}

// patience is how long a test waits for something to happen before it calls that a failure.
const patience = 10 * time.Second

// lifetime bounds a kernel, and so a case: commands and traffic fail when it has ended.
const lifetime = 30 * time.Second

// rig is a kernel, an appliance and a test host in a row. Owned by the test's goroutine.
type rig struct {
	testing.TB
	setup setup
	peer  *umlpeer.Peer
	kept  int // descriptor of the wire
	app   *appliance.Appliance
	tap   *tap
	host  *host
	ways  [2]*way
	stop  func()

	inside    [][]byte // packets that came out of the tunnel and were not looked at yet
	fragments assembler
	tick      *time.Ticker
}

// start boots the kernel and brings the appliance up. It skips where there is no kernel to be had.
func start(t testing.TB, s setup) *rig {
	t.Helper()
	s = s.withDefaults()
	script, err := s.script()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := umlpeer.Start(t.Context(), umlpeer.Config{Script: script, Timeout: lifetime})
	if errors.Is(err, umlpeer.ErrUnavailable) {
		t.Skip("SKIP: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, setup: s, peer: peer, kept: -1, fragments: assembler{}, tick: time.NewTicker(pollEvery)}
	t.Cleanup(func() {
		r.tick.Stop()
		if err := peer.Stop(); err != nil {
			t.Error(err)
		}
		if r.kept >= 0 {
			_ = unix.Close(r.kept)
		}
		if t.Failed() {
			t.Log(peer.Transcript())
		}
	})
	for d, dec := range s.newDecoders() {
		r.ways[d] = newWay(direction(d), s, dec)
	}
	r.run(t)
	return r
}

// run builds the appliance between the kernel's socket and the host's wire and waits until it is up.
func (r *rig) run(t testing.TB) {
	t.Helper()
	wire, err := softpmd.NewWire(softpmd.WireConfig{Name: "inside", Link: pmd.RawIP, Ring: 4096})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("gateway", []byte(r.setup.toml()))
	if err != nil {
		t.Fatal(err)
	}
	r.app, err = appliance.New(cfg, appliance.Options{Yield: true, Log: slog.New(slog.DiscardHandler), Open: func(device string, c pmd.Config) (pmd.Port, error) {
		if device == "test:inside" {
			return wire.Open(softpmd.A, c)
		}
		return r.openOutside(c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.host, err = newHost(wire); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.app.Run(ctx) }()
	r.stop = func() {
		r.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("appliance: %v", err)
		}
	}
	t.Cleanup(func() {
		r.stop()
		if err := r.host.port.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-r.app.Ready():
	case <-time.After(patience):
		t.Fatal("the appliance does not come up")
	}
}

// openOutside puts the tap on the kernel's socket. A second descriptor keeps the wire open when the appliance has ended: a
// kernel whose network card is gone no longer answers questions.
func (r *rig) openOutside(c pmd.Config) (pmd.Port, error) {
	mac, err := net.ParseMAC(umlpeer.OurMAC)
	if err != nil {
		return nil, err
	}
	fd := r.peer.FD()
	if r.kept, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	p, err := fdpmd.New(fd, c, fdpmd.Options{Name: "kernel", MAC: [6]byte(mac)})
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	r.tap = newTap(p, c.TxPools[0], testSeed(r))
	return r.tap, nil
}

// pollEvery is how often a test looks when nothing has happened.
const pollEvery = 100 * time.Microsecond

// await polls until done; progress is what may stand still for as long as patience lasts.
func (r *rig) await(what string, done func() bool, progress func() int) {
	r.Helper()
	last, at := progress(), time.Now()
	for !done() {
		if n := progress(); n != last {
			last, at = n, time.Now()
		} else if time.Since(at) > patience {
			r.Fatalf("%s: nothing has happened for %s\n%s", what, patience, r.state())
		}
		if r.poll() == 0 {
			<-r.tick.C
		}
	}
}

// poll takes what has come inside and what has passed the tap, and returns how much that was.
func (r *rig) poll() int {
	r.Helper()
	got := r.host.receive()
	r.inside = append(r.inside, got...)
	n := len(got)
	for d, w := range r.ways {
		rs := r.tap.take(direction(d))
		n += len(rs)
		for _, rec := range rs {
			if err := w.add(rec); err != nil {
				r.Fatalf("outer packet %d %s: %v", len(w.dropped), w.direction, err)
			}
		}
	}
	return n
}

// arrived returns the packets that came out of the tunnel since the last call, fragments put together.
func (r *rig) arrived() (whole [][]byte) {
	for _, p := range r.inside {
		if p = r.fragments.add(p); p != nil {
			whole = append(whole, p)
		}
	}
	r.inside = nil
	return whole
}

// state describes where packets are, for the message of a failed test.
func (r *rig) state() string {
	s := r.app.Status()
	return fmt.Sprintf("to the kernel: %s\nfrom the kernel: %s\ndropped here: %v", r.ways[toKernel], r.ways[fromKernel], s.Drops)
}

// finish ends the appliance and checks that nothing came that nobody waited for. Both ends agree that there was no error.
func (r *rig) finish() {
	r.Helper()
	r.stop()
	for r.poll() > 0 {
	}
	if len(r.fragments) > 0 {
		r.Errorf("fragments of %d packets are left", len(r.fragments))
	}
	if len(r.inside) > 0 {
		r.Errorf("%d packets too many came out of the tunnel, the first is %x", len(r.inside), r.inside[0])
	}
	in := r.ways[fromKernel]
	missing := len(in.inners) - len(in.survivors(in.inners))
	for v, n := range r.app.Status().Drops {
		if v == mbuf.AggIncomplete.String() && n <= uint64(missing) {
			continue // packets that were cut by a loss
		}
		r.Errorf("%d packets dropped here: %s", n, v)
	}
	for _, w := range r.ways {
		if w.stream.pending != nil || int(w.highest) != len(w.seen) {
			r.Errorf("%s: the last inner packet is unfinished: %v; highest sequence number %d of %d", w.direction, w.stream.pending != nil, w.highest, len(w.seen))
		}
	}
	r.accepted()
	r.Log(r.state())
}

// accepted checks that the kernel took every outer packet that reached it and found nothing wrong with any.
func (r *rig) accepted() {
	r.Helper()
	w := r.ways[toKernel]
	want := fmt.Sprintf(" packets=%d ", len(w.dropped)-w.lost())
	var sa []string
	r.await("the kernel's count"+want, func() bool {
		sa = only(r.command("dump"), fmt.Sprintf("spi=%#x ", spiIn))
		return len(sa) == 1 && strings.Contains(sa[0], want)
	}, func() int { return len(sa) })
	if !strings.Contains(sa[0], " replay_errors=0 integrity_errors=0") {
		r.Errorf("the kernel counts errors: %s", sa[0])
	}
	for _, l := range only(r.command("stat"), "Xfrm") {
		if w.lost() > 0 && strings.HasPrefix(l, "XfrmInIptfsError=") {
			continue // packets that were cut by a loss
		}
		r.Errorf("the kernel counts errors: %s", l)
	}
}

// only returns the lines that begin with prefix; messages of the kernel may stand between those of a command.
func only(lines []string, prefix string) (out []string) {
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}

// command runs a command of the kernel's guest program.
func (r *rig) command(line string) []string {
	r.Helper()
	out, err := r.peer.Command(line)
	if err != nil {
		r.Fatal(err)
	}
	return out
}
