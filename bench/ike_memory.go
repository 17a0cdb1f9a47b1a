package bench

import (
	"errors"
	"runtime"

	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
)

// heapInUse is the octets of live objects after a collection. Twice, because what has a finalizer goes with the second.
func heapInUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// holding is what make keeps in use, octets; its other allocations do not count. What it returns is closed.
func holding(build func() (closer, error)) (octets float64, err error) {
	before := heapInUse()
	c, err := build()
	if err != nil {
		return 0, err
	}
	octets = heapInUse() - before
	return octets, c.close()
}

type closer interface{ close() error }

// The batches of filling up: many set-ups at a time, so that generations of policy and routes, which get large, serve many
// tunnels each, as they do where a gateway is that busy. Cookies are off, and the limits are far away.
const (
	fillBatch = 256
	// emptySlots is the size of the SA tables in what is compared with: they hold nothing, so one would do.
	emptySlots = 1
	fillParts  = 10
)

// fillUp brings up n tunnels on r and returns the bills of the tenths. The clients are gone afterwards.
func fillUp(r responder, realm *realm, n int) (parts []bill, err error) {
	f, err := newFleet(realm, n)
	if err != nil {
		return nil, err
	}
	parts = make([]bill, min(fillParts, n))
	for p := range parts {
		b := &parts[p]
		b.measure = "filling"
		b.start()
		for from, to := p*n/len(parts), (p+1)*n/len(parts); from < to; from += fillBatch {
			if err := f.connect(r, b, f.clients[from:min(from+fillBatch, to)]); err != nil {
				return nil, err
			}
		}
		b.stop()
	}
	return parts, nil
}

// perTunnel builds a responder with n tunnels and returns what it holds beyond one without, octets per tunnel, and what
// filling it took.
func perTunnel(realm *realm, n int, build func(room int) (responder, error)) (octets float64, parts []bill, err error) {
	empty, err := holding(func() (closer, error) { return build(emptySlots) })
	if err != nil {
		return 0, nil, err
	}
	full, err := holding(func() (closer, error) {
		r, err := build(n)
		if err != nil {
			return nil, err
		}
		if parts, err = fillUp(r, realm, n); err != nil {
			return nil, errors.Join(err, r.close())
		}
		return r, nil
	})
	return (full - empty) / float64(n), parts, err
}

// planePerTunnel is what n pairs of SAs take in the data plane alone, octets per pair; policy and routes are control's.
func planePerTunnel(n int) (float64, error) {
	empty, err := holding(func() (closer, error) { return newBarePlane(emptySlots, 0) })
	if err != nil {
		return 0, err
	}
	full, err := holding(func() (closer, error) { return newBarePlane(n, n) })
	return (full - empty) / float64(n), err
}

// newBarePlane is an appliance without control, with n pairs of SAs as control makes them.
func newBarePlane(slots, n int) (a *wholeAppliance, err error) {
	a = &wholeAppliance{clock: newWorkClock(), burst: make(mbuf.Burst, mbuf.BurstSize)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if err = a.newPlane(slots); err != nil {
		return a, err
	}
	a.plane.Publish(dataplane.NewGeneration(dataplane.Generation{
		Number: 1, Policy: a.plane.Generation().Policy, Routes: a.plane.Generation().Routes, Children: make([]dataplane.Child, 1),
	}, 1))
	for i := range n {
		for _, op := range []dataplane.Op{dataplane.InstallInbound, dataplane.InstallOutbound} {
			c := dataplane.Command{Op: op, Ticket: uint64(i) + 1, SA: idleSA(i)}
			if _, err = a.plane.ExecuteStepped(&c, a.clock.now); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// idleSA is an SA as control asks for it where nothing is configured.
func idleSA(n int) dataplane.SA {
	own, peer := dataplane.AddrFrom(gatewayAddr), dataplane.AddrFrom(nth(clientNet, n+1))
	return dataplane.SA{
		SPI: esp.MinSPI + uint32(n), Alg: suite.AES128GCM16, Mode: esp.ModeAGGFRAG, ESN: true, TTL: 64, Src: own, Dst: peer,
		MTU: outerSize, MaxInner: 9216, ReplayWindow: 1984, KeymatLen: 20,
		Framing: dataplane.Framing{OuterSize: outerSize}, // and the small queue of one client among many
		Reorder: dataplane.Reorder{Window: iptfs.DefaultWindow},
	}
}
