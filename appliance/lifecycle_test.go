package appliance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// hostConfig is what a port of a test is opened with.
func hostConfig(t testing.TB) pmd.Config {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "far end", N2K: 64})
	if err != nil {
		t.Fatal(err)
	}
	return pmd.Config{RxPools: []*mbuf.Pool{pool}, TxPools: []*mbuf.Pool{pool}}
}

// running is a gateway on goroutines.
type running struct {
	*appliance.Appliance
	cancel context.CancelFunc
	ended  chan error
	log    log
}

// run starts a gateway and waits until it is ready.
func (n *network) run(g gate) *running {
	n.t.Helper()
	r := &running{ended: make(chan error, 1)}
	var err error
	if r.Appliance, err = appliance.New(g.parsed(n.t, "", ""), appliance.Options{Yield: true, Log: r.log.logger(), Open: n.port}); err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- r.Run(ctx) }()
	select {
	case <-r.Ready():
	case err := <-r.ended:
		n.t.Fatalf("ended before it was ready: %v", err)
	}
	return r
}

// stop cancels and returns what Run returned.
func (r *running) stop() error {
	r.cancel()
	return <-r.ended
}

// until polls a condition; a minute without it fails the test.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestDrain empties the framer of a slow constant sender after the cancel, before Run returns: 40 packets are queued for
// about 40 slots, and all of them arrive.
func TestDrain(t *testing.T) {
	n := newNetwork(t)
	slow := "mode = \"constant\"\npackets_per_second = 100\npath_is_mine = true\nmax_aggregation_time = \"60s\""
	a, b := n.run(gate{side: 1, tunnel: slow}), n.run(gate{side: 2})
	from, to := n.host(1, nil), n.host(2, nil)
	const packets = 40
	for i := range packets {
		until(t, "room on the wire", func() bool { return from.send(byte(i), 1400) })
	}
	until(t, "intake", func() bool { return a.Status().Total.InsideRx == packets })
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(a.log.String(), "drain incomplete") {
		t.Errorf("log: %s", a.log.String())
	}
	arrived := 0
	until(t, "arrival", func() bool { arrived += to.receive(); return arrived >= packets })
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	from.port.Close()
	to.port.Close()
	n.nothingPorts()
}

// nothingPorts fails while a port of a gateway is open.
func (n *network) nothingPorts() {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for device := range n.open {
		n.t.Errorf("%s is still open", device)
	}
}

// TestDrainIncomplete gives up a framer that would take minutes, says so, and ends.
func TestDrainIncomplete(t *testing.T) {
	n := newNetwork(t)
	crawl := "mode = \"constant\"\npackets_per_second = 1\npath_is_mine = true\nmax_aggregation_time = \"60s\""
	a := n.run(gate{side: 1, tunnel: crawl})
	from := n.host(1, nil)
	for i := range 40 {
		until(t, "room on the wire", func() bool { return from.send(byte(i), 1400) })
	}
	until(t, "intake", func() bool { return a.Status().Total.InsideRx == 40 })
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(a.log.String(), "drain incomplete") {
		t.Errorf("log: %s", a.log.String())
	}
}

// TestKeysStayInside shows no key in Status, in the log or in the configuration once the SAs are installed.
func TestKeysStayInside(t *testing.T) {
	n := newNetwork(t)
	g := gate{side: 1, lcores: 2, sas: 3}
	cfg := g.parsed(t, "", "")
	var keys [][]byte
	for _, s := range cfg.Tunnels[0].SAs {
		keys = append(keys, s.KeyIn.Bytes(), s.KeyOut.Bytes())
	}
	if len(keys) != 6 || len(keys[0]) != 20 || bytes.Equal(keys[0], make([]byte, 20)) {
		t.Fatalf("keys %x", keys)
	}
	var l log
	a, err := appliance.New(cfg, appliance.Options{Yield: true, Log: l.logger(), Open: n.port})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	<-a.Ready()
	for i, k := range keys {
		if !bytes.Equal(k, make([]byte, len(k))) {
			t.Errorf("key %d of the configuration is still %x", i, k)
		}
	}
	text, err := json.Marshal(a.Status())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for k := range 3 {
		for side := 1; side <= 2; side++ {
			if key := keyOf(k, side)[2:38]; strings.Contains(string(text), key) || strings.Contains(l.String(), key) {
				t.Errorf("the key of SA %d from %d can be read in %s or in %s", k, side, text, l.String())
			}
		}
	}
	if !strings.Contains(string(text), fmt.Sprint(spiOf(2, 2))) {
		t.Errorf("status %s does not list the SAs", text)
	}
}

// TestStatusWhileRunning may be asked for at any time, from before the start to after the end.
func TestStatusWhileRunning(t *testing.T) {
	n := newNetwork(t)
	a, err := appliance.New(gate{side: 1, lcores: 4, sas: 4}.parsed(t, "", ""), appliance.Options{Yield: true, Log: quiet(), Open: n.port})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, asked := make(chan error, 1), make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(asked)
		for {
			select {
			case <-done:
				return
			default:
				a.Status()
				runtime.Gosched()
			}
		}
	}()
	go func() { ended <- a.Run(ctx) }()
	<-a.Ready()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(done)
	<-asked
	if s := a.Status(); len(s.Ports) != 0 || len(s.SAs) != 4 {
		t.Errorf("after the end: %d ports and %d SAs, expected 0 and 4", len(s.Ports), len(s.SAs))
	}
}

// TestRefused names what is wrong with a configuration that the machine or the network does not fit, and leaves nothing
// open.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		link     pmd.Link
		names    []string
	}{
		"device": {`"wire:inside1,1"`, `"nowhere:1"`, pmd.RawIP, []string{"inside", "nowhere:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := &network{t: t, link: c.link, wires: map[string]*softpmd.Wire{}, open: map[string]bool{}}
			a, err := appliance.New(gate{side: 1, lcores: 2, sas: 2}.parsed(t, c.old, c.new), appliance.Options{Yield: true, Log: quiet(), Open: n.port})
			if err == nil {
				err = a.Run(context.Background())
			} else if a != nil {
				t.Error("New returned an appliance beside its error")
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.names {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not name %q", err, w)
				}
			}
			n.nothingOpen()
		})
	}
}

// fewQueues is a port that could not get as many transmit queues as it was asked for.
type fewQueues struct {
	pmd.Port
	tx int
}

func (p *fewQueues) Info() pmd.Info {
	i := p.Port.Info()
	i.TxQueues = p.tx
	return i
}

func (p *fewQueues) Tx(i int) pmd.TxQueue { return make([]pmd.TxQueue, p.tx)[i] }

// TestTooFewQueues names the port that has no transmit queue for an lcore, and closes all of them.
func TestTooFewQueues(t *testing.T) {
	n := newNetwork(t)
	open := func(device string, cfg pmd.Config) (pmd.Port, error) {
		p, err := n.port(device, cfg)
		if strings.HasPrefix(device, "wire:inside") && err == nil {
			p = &fewQueues{p, 1}
		}
		return p, err
	}
	_, err := appliance.New(gate{side: 1, lcores: 3, sas: 3}.parsed(t, "", ""), appliance.Options{Yield: true, Log: quiet(), Open: open})
	if err == nil || !strings.Contains(err.Error(), "inside") || !strings.Contains(err.Error(), "queue") {
		t.Errorf("error %v, expected one that names the port and its queues", err)
	}
	n.nothingOpen()
}

// smallMTU is a port of a network with smaller packets than the file says.
type smallMTU struct{ pmd.Port }

func (p smallMTU) Info() pmd.Info {
	i := p.Port.Info()
	i.MTU = 1400
	return i
}

// TestSmallMTU names tunnel, size and port where the network takes smaller packets than the tunnel would send.
func TestSmallMTU(t *testing.T) {
	n := newNetwork(t)
	open := func(device string, cfg pmd.Config) (pmd.Port, error) {
		p, err := n.port(device, cfg)
		return smallMTU{p}, err
	}
	a, err := appliance.New(gate{side: 1}.parsed(t, "", ""), appliance.Options{Yield: true, Log: quiet(), Open: open})
	if err == nil {
		err = a.Run(context.Background())
	}
	for _, w := range []string{"wan", "1500", "1400", "outside"} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v does not name %q", err, w)
		}
	}
	n.nothingOpen()
}

// TestCancelledStart ends with the reason when it is cancelled while it waits for the peer, and leaves nothing open.
func TestCancelledStart(t *testing.T) {
	n := newNetwork(t)
	ctx, cancel := context.WithCancel(context.Background())
	wait := func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	a, err := appliance.New(gate{side: 1}.parsed(t, "", ""), appliance.Options{Yield: true, Log: quiet(), Open: n.port, BeforeOutbound: wait})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected %v", err, context.Canceled)
	}
	select {
	case <-a.Ready():
		t.Error("it says that it was ready")
	default:
	}
	n.nothingOpen()
}
