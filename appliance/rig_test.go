package appliance_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// gateText is one of two gateways on in-memory wires; the words in capitals are replaced.
const gateText = `unsafe_static_keys = true
[system]
name = "gateSIDE"
lcores = LCORES
mbufs = 1024
[[port]]
name = "outside"
device = "wire:outside,SIDE"
role = "outside"
address = ["192.0.2.SIDE/24"]
[[port]]
name = "inside"
device = "wire:insideSIDE,1"
role = "inside"
address = ["10.SIDE.0.1/24"]
[[route]]
to = "10.SIDE.0.0/16"
port = "inside"
[[tunnel]]
name = "wan"
local = "192.0.2.SIDE"
remote = "192.0.2.PEER"
TUNNEL
[[tunnel.policy]]
local_ts = ["10.SIDE.0.0/16"]
remote_ts = ["10.PEER.0.0/16"]
`

// gate describes one gateway.
type gate struct {
	side, lcores, sas int
	tunnel            string // more lines of the tunnel
}

// keyOf is the key of the SA number k from a side.
func keyOf(k, side int) string {
	return fmt.Sprintf("%02x%s%02x", k, strings.Repeat(fmt.Sprintf("%02xc5", side), 9), side)
}

// spiOf is the SPI of the SA number k from a side.
func spiOf(k, side int) int { return 0x1000 + 16*k + side }

func (g gate) text() string {
	peer := 3 - g.side
	var text strings.Builder
	text.WriteString(strings.NewReplacer("SIDE", fmt.Sprint(g.side), "PEER", fmt.Sprint(peer), "LCORES", fmt.Sprint(max(g.lcores, 1)), "TUNNEL", g.tunnel).Replace(gateText))
	for k := range max(g.sas, 1) {
		text.WriteString(fmt.Sprintf("[[tunnel.sa]]\nspi_in = %d\nspi_out = %d\nencr = \"aes128gcm16\"\nkey_in = %q\nkey_out = %q\n",
			spiOf(k, peer), spiOf(k, g.side), keyOf(k, peer), keyOf(k, g.side)))
	}
	return text.String()
}

// parsed is the configuration of a gateway, changed by replacing old by new.
func (g gate) parsed(t testing.TB, old, new string) *config.Config {
	t.Helper()
	text := g.text()
	if !strings.Contains(text, old) {
		t.Fatalf("no %q in the configuration", old)
	}
	cfg, err := config.Parse("gate.toml", []byte(strings.Replace(text, old, new, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// network is the wires between gateways and hosts, and which ports are open.
type network struct {
	t     testing.TB
	link  pmd.Link
	mu    sync.Mutex
	wires map[string]*softpmd.Wire
	open  map[string]bool
	pools []*mbuf.Pool
}

func newNetwork(t testing.TB) *network {
	n := &network{t: t, link: pmd.RawIP, wires: map[string]*softpmd.Wire{}, open: map[string]bool{}}
	for _, name := range []string{"outside", "inside1", "inside2"} {
		n.wire(name)
	}
	return n
}

// wire returns a wire by name.
func (n *network) wire(name string) *softpmd.Wire {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wires[name] == nil {
		w, err := softpmd.NewWire(softpmd.WireConfig{Name: name, Link: n.link})
		if err != nil {
			n.t.Fatal(err)
		}
		n.wires[name] = w
	}
	return n.wires[name]
}

// port opens a device "WIRE,1" or "WIRE,2": Options.Open of every gateway here.
func (n *network) port(device string, cfg pmd.Config) (pmd.Port, error) {
	name, side, ok := strings.Cut(strings.TrimPrefix(device, "wire:"), ",")
	if !ok {
		return nil, fmt.Errorf("device %q is not of this network", device)
	}
	p, err := n.wire(name).Open(map[string]softpmd.End{"1": softpmd.A, "2": softpmd.B}[side], cfg)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[device] = true
	n.pools = append(n.pools, cfg.TxPools...)
	return &tracked{p, func() { n.mu.Lock(); delete(n.open, device); n.mu.Unlock() }}, nil
}

// tracked tells when a port is closed.
type tracked struct {
	pmd.Port
	closed func()
}

func (p *tracked) Close() error {
	p.closed()
	return p.Port.Close()
}

// nothingOpen fails while a port is open or a pool that a gateway made has memory.
func (n *network) nothingOpen() {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for device := range n.open {
		n.t.Errorf("%s is still open", device)
	}
	for _, p := range n.pools {
		if p.Available(mbuf.Class2K) > 0 {
			n.t.Errorf("mbuf pool %s is still there", p.Name())
		}
	}
}

// host is one end of the inside network of a gateway.
type host struct {
	side int
	pool *mbuf.Pool
	port pmd.Port
}

func (n *network) host(side int, now func() int64) *host {
	n.t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "host", N2K: 1024})
	if err != nil {
		n.t.Fatal(err)
	}
	port, err := n.wire(fmt.Sprintf("inside%d", side)).Open(softpmd.B, pmd.Config{RxPools: []*mbuf.Pool{pool}, TxPools: []*mbuf.Pool{pool}, Now: now})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { port.Close() })
	return &host{side, pool, port}
}

// send sends one IPv4 packet of size octets from flow to the other side; false when the wire is full.
func (h *host) send(flow byte, size int) bool {
	src, dst := netip.AddrFrom4([4]byte{10, byte(h.side), 1, flow}), netip.AddrFrom4([4]byte{10, byte(3 - h.side), 1, 1})
	m := h.pool.Get(size)
	if m == nil {
		return false
	}
	p := m.Append(size)
	clear(p)
	copy(p, []byte{0x45, 0, byte(size >> 8), byte(size), 0, 0, 0, 0, 64, 253})
	copy(p[12:], src.AsSlice())
	copy(p[16:], dst.AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(p[i])<<8 | uint32(p[i+1])
	}
	sum = ^(sum>>16 + sum&0xffff)
	p[10], p[11] = byte(sum>>8), byte(sum)
	if h.port.Tx(0).TxBurst([]*mbuf.Mbuf{m}) == 1 {
		return true
	}
	h.pool.Put(m)
	return false
}

// receive takes what has arrived and returns how many packets that were.
func (h *host) receive() int {
	burst := make(mbuf.Burst, 64)
	n := h.port.Rx(0).RxBurst(burst)
	h.pool.Free(burst[:n])
	return n
}

// log is a log that tests read.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// quiet throws log lines away.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// stepped is a gateway whose clock the test owns.
type stepped struct {
	*appliance.Appliance
	now int64
}

func (n *network) stepped(g gate, before func(s *stepped) error) (*stepped, error) {
	n.t.Helper()
	s := &stepped{now: 1}
	opt := appliance.Options{Yield: true, Clock: s.clock, Log: quiet(), Open: n.port}
	if before != nil {
		opt.BeforeOutbound = beforeOutbound(func() error { return before(s) })
	}
	var err error
	if s.Appliance, err = appliance.New(g.parsed(n.t, "", ""), opt); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { s.Close() })
	return s, s.Setup(s.clock)
}

func (s *stepped) clock() int64 { return s.now }

// step steps n times, a tenth of a millisecond apart.
func (s *stepped) step(n int) {
	for range n {
		s.now += 100_000
		s.Plane().Step(s.now)
	}
}

// espCount counts ESP packets by SPI at one end of the outside wire.
type espCount struct {
	mu    sync.Mutex
	count map[uint32]int
}

func (n *network) tap(side softpmd.End) *espCount {
	c := &espCount{count: map[uint32]int{}}
	n.wire("outside").SetTap(side, func(_ softpmd.End, p []byte, _ int64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(p) >= 28 && p[9] == 50 {
			c.count[uint32(p[20])<<24|uint32(p[21])<<16|uint32(p[22])<<8|uint32(p[23])]++
		}
	})
	return c
}

func (c *espCount) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.count {
		n += k
	}
	return n
}
