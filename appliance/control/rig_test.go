package control

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/crypto/suite"
	"stillwater/ike"
	"stillwater/ike/wire"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// The rig is a Core with a stepped data plane on in-memory wires. A fake stands in the engine's place: the test gives the
// operations and sees the answers.
//
//	inside host -- port 1 "inside" 10.1.0.1/16 --  rig  -- port 0 "outside" 192.0.2.1/24 -- peers 192.0.2.2 ...
type rig struct {
	*Core
	t       testing.TB
	time    atomic.Int64 // lcores that run read it, too
	fake    *fake
	far     [2]pmd.Port // the other ends of the wires, by port
	farPool *mbuf.Pool
	ticket  uint64
	spi     uint32
}

// rigConfig is what a test may choose.
type rigConfig struct {
	lcores   int
	text     string // of the configuration, behind [[port]]; empty: oneChild
	ethernet bool   // with link layer; else bare IP packets
	slots    int
	log      *slog.Logger
	wrap     func(port, lcore int, q pmd.RxQueue) pmd.RxQueue
}

// rigPorts are the ports of every rig.
const rigPorts = `
[[port]]
name = "outside"
device = "wire:outside"
role = "outside"
address = ["192.0.2.1/24", "2001:db8::1/64"]
[[port]]
name = "inside"
device = "wire:inside"
role = "inside"
mtu = 9000
address = ["10.1.0.1/16", "2001:db8:1::1/64"]
`

// oneChild is a connection to anybody, with one child. PSK is replaced by the file of a secret.
const oneChild = `
[[connection]]
name = "peers"
local = "192.0.2.1"
remote = "%any"
remote_id = "*.peers.example"
psk_file = "PSK"
start_action = "none"
[[connection.child]]
name = "net"
local_ts = ["10.1.0.0/16"]
remote_ts = ["10.0.0.0/8"]
[admin]
socket = ""
`

// parse reads a configuration; secret is the text of the file that PSK stands for.
func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	file := t.TempDir() + "/psk"
	must(t, writeFile(file, "a secret of thirty-two octets ...."))
	if strings.Contains(text, "[[tunnel]]") {
		text = "unsafe_static_keys = true\n" + text
	}
	cfg, err := config.Parse("rig.toml", []byte(strings.ReplaceAll(text, "PSK", file)))
	must(t, err)
	return cfg
}

// newRig builds everything and publishes the first generations.
func newRig(t testing.TB, rc rigConfig) *rig {
	t.Helper()
	if rc.text == "" {
		rc.text = oneChild
	}
	rc.lcores, rc.slots = max(rc.lcores, 1), max(rc.slots, 64)
	if rc.log == nil {
		rc.log = slog.New(slog.DiscardHandler)
	}
	link := pmd.RawIP
	if rc.ethernet {
		link = pmd.Ethernet
	}
	r := &rig{t: t, fake: newFake(), spi: 0x1000}
	r.time.Store(1e9)
	pools := []*mbuf.Pool{}
	for l := range rc.lcores {
		pools = append(pools, newPool2K(t, fmt.Sprint("lcore ", l), 512))
	}
	r.farPool = newPool2K(t, "far", 512)
	ports := r.openPorts(pools, link)
	plane, err := dataplane.New(dataplane.Config{
		Ports:  []dataplane.PortConfig{{Name: "outside", Link: link, Outside: true}, {Name: "inside", Link: link}},
		Lcores: rc.bind(pools, ports), Slots: rc.slots, Poll: dataplane.PollYield, Clock: r.clock,
	})
	must(t, err)
	r.Core, err = New(Config{Appliance: parse(t, rigPorts+rc.text), Plane: plane, Ports: ports, Clock: r.clock, Stepped: true, Log: rc.log})
	must(t, err)
	r.engine = r.fake
	t.Cleanup(func() { r.Close(); plane.Close() })
	must(t, r.InstallStatic(context.Background(), func(_ context.Context, c *dataplane.Command) (dataplane.Ack, error) {
		return plane.ExecuteStepped(c, r.clock)
	}, nil))
	return r
}

func (r *rig) clock() int64 { return r.time.Load() }

func newPool2K(t testing.TB, name string, n int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: name, N2K: n})
	must(t, err)
	return p
}

// openPorts opens both ends of both wires.
func (r *rig) openPorts(pools []*mbuf.Pool, link pmd.Link) (ports []pmd.Port) {
	r.t.Helper()
	for i, name := range []string{"outside", "inside"} {
		w, err := softpmd.NewWire(softpmd.WireConfig{Name: name, Link: link})
		must(r.t, err)
		p, err := w.Open(softpmd.A, pmd.Config{RxPools: pools, TxPools: pools, Index: uint16(i), MTU: 9000, Now: r.clock})
		must(r.t, err)
		ports = append(ports, p)
		far := []*mbuf.Pool{r.farPool}
		r.far[i], err = w.Open(softpmd.B, pmd.Config{RxPools: far, TxPools: far, MTU: 9000, Now: r.clock})
		must(r.t, err)
		r.t.Cleanup(func() { p.Close(); r.far[i].Close() })
	}
	return ports
}

// bind gives queue l of every port to lcore l.
func (rc *rigConfig) bind(pools []*mbuf.Pool, ports []pmd.Port) (out []dataplane.LcoreConfig) {
	for l, pool := range pools {
		c := dataplane.LcoreConfig{CPU: -1, Pool: pool}
		for i, p := range ports {
			q := p.Rx(l)
			if rc.wrap != nil {
				q = rc.wrap(i, l, q)
			}
			c.Rx, c.Tx = append(c.Rx, dataplane.RxBinding{Port: i, Queue: q}), append(c.Tx, p.Tx(l))
		}
		out = append(out, c)
	}
	return out
}

// stepTime is more than lcores take to show which generation they use, and more than lies between two generations.
const stepTime = 6_000_000

// step runs Core and lcores once.
func (r *rig) step() {
	r.time.Add(stepTime)
	r.Step(r.time.Load())
	r.plane.Step(r.time.Load())
}

// settle steps until everything that can come to an end has.
func (r *rig) settle() {
	for range 12 {
		r.step()
	}
}

// do gives an operation its ticket and carries it out.
func (r *rig) do(op ike.Operation) uint64 {
	r.ticket++
	op.Ticket = r.ticket
	r.operate(r.time.Load(), &op)
	return op.Ticket
}

// outcome is the one answer to an operation; it fails where there is none.
func (r *rig) outcome(ticket uint64) error {
	r.t.Helper()
	answers := r.fake.acks[ticket]
	if len(answers) != 1 {
		r.t.Fatalf("operation %d has %d answers, expected one", ticket, len(answers))
	}
	return answers[0]
}

// waits fails where an operation has been answered.
func (r *rig) waits(ticket uint64, why string) {
	r.t.Helper()
	if n := len(r.fake.acks[ticket]); n != 0 {
		r.t.Errorf("operation %d is answered: %s", ticket, why)
	}
}

// selectors are those of one network.
func selectors(network string) []wire.Selector {
	p := netip.MustParsePrefix(network)
	return []wire.Selector{{First: p.Addr(), Last: last(p), EndPort: 0xffff}}
}

// open opens a bundle to a network behind 192.0.2.PEER.
func (r *rig) open(id ike.BundleID, network string) uint64 { return r.openTo(id, network, 2) }

func (r *rig) openTo(id ike.BundleID, network string, peer byte) uint64 {
	return r.do(ike.Operation{
		Kind: ike.OpenBundle, Bundle: id, Child: r.conns[0].Children[0], Outer: outerTo(peer), Mode: r.conns[0].Children[0].Mode,
		Local: selectors("10.1.0.0/16"), Remote: selectors(network),
	})
}

// outerTo are the outer addresses towards 192.0.2.PEER.
func outerTo(peer byte) ike.Outer {
	return ike.Outer{Local: netip.MustParseAddrPort("192.0.2.1:500"), Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, peer}), 500)}
}

// gcm is the suite of every pair here.
var gcm = func() suite.ESP {
	s, err := suite.ParseESP("aes128gcm16", "")
	if err != nil {
		panic(err)
	}
	return s
}()

// newSA is a pair on an lcore with keys of its own.
func (r *rig) newSA(lcore int, fallback bool) *ike.Pair {
	r.t.Helper()
	spi, err := r.newSPI(lcore)
	must(r.t, err)
	r.spi++
	p := &ike.Pair{SPIIn: spi, SPIOut: r.spi, Lcore: lcore, Suite: gcm, ESN: true, Fallback: fallback}
	p.KeymatIn, p.KeymatOut = keysOf(p.SPIIn), keysOf(p.SPIOut)
	return p
}

func keysOf(spi uint32) []byte {
	return append(binary.BigEndian.AppendUint32(nil, spi|1), "sixteen octets.."...)
}

func (r *rig) on(kind ike.OperationKind, id ike.BundleID, p *ike.Pair) uint64 {
	return r.do(ike.Operation{Kind: kind, Bundle: id, Child: r.conns[0].Children[0], Pair: p})
}

// up installs both halves of a pair.
func (r *rig) up(id ike.BundleID, p *ike.Pair) {
	r.t.Helper()
	in := r.on(ike.AddInbound, id, p)
	r.settle()
	must(r.t, r.outcome(in))
	out := r.on(ike.AddOutbound, id, p)
	r.settle()
	must(r.t, r.outcome(out))
}

// rekey has a pair take the place of another.
func (r *rig) rekey(id ike.BundleID, p, old *ike.Pair) {
	r.t.Helper()
	in := r.on(ike.AddInbound, id, p)
	r.settle()
	must(r.t, r.outcome(in))
	out := r.do(ike.Operation{Kind: ike.AddOutbound, Bundle: id, Pair: p, Replaces: old.SPIIn})
	r.settle()
	must(r.t, r.outcome(out))
}

// ref is the SA that an lcore seals with for a bundle, as published.
func (r *rig) ref(id ike.BundleID, lcore int) dataplane.OutRef {
	return r.plane.Generation().Out[int(r.bundles[id].index)*r.plane.Lcores()+lcore]
}

// nothingLeft fails where something of bundles and pairs is still known, or an operation unanswered.
func (r *rig) nothingLeft() {
	r.t.Helper()
	for name, n := range map[string]int{
		"pairs": len(r.pairs), "bundles": len(r.bundles), "indexes in use": len(r.byIndex), "seats": len(r.seats), "SPIs": len(r.spis),
		"commands without answer": len(r.orders.awaited), "commands in line": len(r.orders.line), "waiters": len(r.waiters),
		"load": slices.Max(r.load), "indexes lost": int(r.indexes.next) - len(r.cfg.Tunnels) - len(r.traps) - len(r.indexes.free),
	} {
		if n != 0 {
			r.t.Errorf("%d %s left", n, name)
		}
	}
	for ticket := uint64(1); ticket <= r.ticket; ticket++ {
		if n := len(r.fake.acks[ticket]); n != 1 {
			r.t.Errorf("operation %d has %d answers", ticket, n)
		}
	}
}

// wantWiped fails where key material is left.
func wantWiped(t testing.TB, keys ...[]byte) {
	t.Helper()
	for _, k := range keys {
		for _, b := range k {
			if b != 0 {
				t.Error("key material is left")
				break
			}
		}
	}
}

// events are the counts of a kind.
func (r *rig) event(kind string) uint64 {
	events, _, _ := r.Counts()
	return maps.Clone(events)[kind]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
