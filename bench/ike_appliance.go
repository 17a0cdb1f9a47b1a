package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"stillwater/appliance/config"
	"stillwater/appliance/control"
	"stillwater/appliance/dataplane"
	"stillwater/ike"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// wholeAppliance is a responder with all that a message meets in an appliance: an lcore that takes the frame from a port and
// hands it over, the host stack, the control core with the engine and its jobs, the builder, the tables of the lcore, policy
// and routes. All of it is stepped on one thread. Owned by one goroutine.
type wholeAppliance struct {
	clock   workClock
	core    *control.Core
	plane   *dataplane.Plane
	ports   []pmd.Port
	outside pmd.Port   // the far end of the outside wire
	inside  pmd.Port   // the far end of the inside wire, which nothing uses
	pool    *mbuf.Pool // of the appliance
	far     *mbuf.Pool // of the far ends
	burst   mbuf.Burst
}

// The link addresses on the outside wire.
var (
	gatewayMAC = [6]byte{2, 0, 0, 0, 0, 1}
	routerMAC  = [6]byte{2, 0, 0, 0, 0, 2}
)

// The memory of both ends; rings hold more than any batch.
var (
	appliancePool = mbuf.PoolConfig{Name: "appliance", N2K: 4096, N9K: 64, N64K: 4}
	farPool       = mbuf.PoolConfig{Name: "clients", N2K: 4096}
)

const wanRing = 2048

// newWholeAppliance takes clients of a realm and has room for so many SA pairs. cookiesAt is how many half-open IKE SAs it
// takes before it asks for cookies.
func newWholeAppliance(r *realm, slots, cookiesAt int) (a *wholeAppliance, err error) {
	a = &wholeAppliance{clock: newWorkClock(), burst: make(mbuf.Burst, mbuf.BurstSize)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
			a = nil
		}
	}()
	if err = a.newPlane(slots); err != nil {
		return a, err
	}
	return a, a.newCore(r, cookiesAt)
}

// openPorts joins the appliance with its surroundings by two wires.
func (a *wholeAppliance) openPorts() (err error) {
	if a.pool, err = mbuf.NewPool(appliancePool); err != nil {
		return err
	}
	if a.far, err = mbuf.NewPool(farPool); err != nil {
		return err
	}
	for i, far := range []*pmd.Port{&a.outside, &a.inside} {
		w, err := softpmd.NewWire(softpmd.WireConfig{Ring: wanRing, MAC: [2][6]byte{gatewayMAC, routerMAC}})
		if err != nil {
			return err
		}
		own, other := []*mbuf.Pool{a.pool}, []*mbuf.Pool{a.far}
		p, err := w.Open(softpmd.A, pmd.Config{RxPools: own, TxPools: own, Index: uint16(i), Now: a.clock.now})
		if err != nil {
			return err
		}
		a.ports = append(a.ports, p)
		if *far, err = w.Open(softpmd.B, pmd.Config{RxPools: other, TxPools: other, Now: a.clock.now}); err != nil {
			return err
		}
	}
	return nil
}

// newPlane builds a data plane of one lcore, and its ports.
func (a *wholeAppliance) newPlane(slots int) (err error) {
	if err := a.openPorts(); err != nil {
		return err
	}
	lcore := dataplane.LcoreConfig{CPU: -1, Pool: a.pool}
	for i, p := range a.ports {
		lcore.Rx = append(lcore.Rx, dataplane.RxBinding{Port: i, Queue: p.Rx(0)})
		lcore.Tx = append(lcore.Tx, p.Tx(0))
	}
	a.plane, err = dataplane.New(dataplane.Config{
		Ports: []dataplane.PortConfig{{Name: "outside", Outside: true}, {Name: "inside"}}, Lcores: []dataplane.LcoreConfig{lcore},
		Slots: slots, Poll: dataplane.PollYield, Clock: a.clock.now,
	})
	return err
}

// newCore builds the control core from a configuration as an operator would write it.
func (a *wholeAppliance) newCore(r *realm, cookiesAt int) error {
	dir, err := os.MkdirTemp("", "swbench-ike-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	credentials, err := r.files(dir)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(applianceText, gatewayAddr, gatewayNet.Addr().Next(), gatewayNet.Bits(), gatewayAddr, gatewayName, clientDomain,
		credentials, ikeProposal, gatewayNet, innerNet, espProposal, cookiesAt)
	cfg, err := config.Parse("responder", []byte(text))
	if err != nil {
		return err
	}
	a.core, err = control.New(control.Config{
		Appliance: cfg, Plane: a.plane, Ports: a.ports, Clock: a.clock.now, Stepped: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	err = a.core.InstallStatic(context.Background(), func(_ context.Context, c *dataplane.Command) (dataplane.Ack, error) {
		return a.plane.ExecuteStepped(c, a.clock.now)
	}, nil)
	a.core.Start(a.clock.now())
	a.work()
	return err
}

const applianceText = `[[port]]
name = "outside"
device = "wire:outside"
role = "outside"
address = ["%s/24"]
[[port]]
name = "inside"
device = "wire:inside"
role = "inside"
address = ["%s/%d"]
[[route]]
to = "0.0.0.0/0"
via = "192.0.2.254"
port = "outside"
[[neighbour]]
address = "192.0.2.254"
mac = "02:00:00:00:00:02"
port = "outside"
[[connection]]
name = "clients"
local = "%s"
remote = "%%any"
local_id = "%s"
remote_id = "*%s"
%s
proposals = ["%s"]
dpd_delay = "0"
rekey_time = "0"
[[connection.child]]
name = "net"
local_ts = ["%s"]
remote_ts = ["%s"]
esp_proposals = ["%s"]
rekey_time = "0"
[ike]
half_open_cookies = %d
[admin]
socket = ""
`

func (a *wholeAppliance) take(ds []ike.Datagram) {
	for _, d := range ds {
		m := a.far.Get(allHeaders + len(d.Data))
		if m == nil {
			return // lost on the way, and missed by whoever counts tunnels
		}
		writeFrame(m.Append(allHeaders+len(d.Data)), gatewayMAC, routerMAC, d.Local, d.Remote, d.Data)
		if a.outside.Tx(0).TxBurst([]*mbuf.Mbuf{m}) == 0 {
			a.far.Put(m)
		}
	}
}

func (a *wholeAppliance) give(ds []ike.Datagram) []ike.Datagram {
	for _, p := range []pmd.Port{a.outside, a.inside} {
		for n := p.Rx(0).RxBurst(a.burst); n > 0; n = p.Rx(0).RxBurst(a.burst) {
			for _, m := range a.burst[:n] {
				if src, dst, data, ok := readFrame(m.Data()); ok {
					ds = append(ds, ike.Datagram{Local: src, Remote: dst, Data: slices.Clone(data)})
				}
			}
			a.far.Free(a.burst[:n])
		}
	}
	return ds
}

// An appliance without work may still wait: the next generation of policy and routes is due some time after the last, and
// later the longer that one took. So the clock is set forward a few times, twice as far each time, before nothing is left to
// do.
const (
	restTurns = 6
	restSkip  = 10e6 // ns
)

func (a *wholeAppliance) work() {
	for rest := 0; rest < restTurns; rest++ {
		a.clock.resume()
		for a.step() > 0 {
			rest = 0
		}
		a.clock.pause()
		a.clock.skip(restSkip << rest)
	}
}

func (a *wholeAppliance) step() int {
	now := a.clock.now()
	return a.plane.Step(now) + a.core.Step(now)
}

func (a *wholeAppliance) tunnels() (n int) {
	for _, p := range a.core.Pairs() {
		if p.Out {
			n++
		}
	}
	return n
}

// close takes the appliance down. Mbufs that a far end still holds go home first.
func (a *wholeAppliance) close() error {
	var errs []error
	if a.core != nil {
		a.give(nil)
		a.core.Close()
	}
	if a.plane != nil {
		a.plane.Close()
	}
	for _, p := range append(slices.Clone(a.ports), a.outside, a.inside) {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	for _, p := range []*mbuf.Pool{a.pool, a.far} {
		if p == nil {
			continue
		}
		if err := p.Close(); err != nil && !errors.Is(err, mbuf.ErrInUse) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
