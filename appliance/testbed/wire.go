package testbed

import (
	"fmt"
	"strings"
	"sync/atomic"

	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// wires are the in-memory wires of a testbed, by name. A device "wire:NAME,a" or "wire:NAME,b" in a configuration means one
// end of them; every other device is opened by its driver.
type wires map[string]*softpmd.Wire

func (w wires) open(device string, cfg pmd.Config) (pmd.Port, error) {
	args, ok := strings.CutPrefix(device, "wire:")
	if !ok {
		return pmd.Open(device, cfg)
	}
	name, end, _ := strings.Cut(args, ",")
	wire := w[name]
	if wire == nil {
		return nil, fmt.Errorf("device %q: no such wire", device)
	}
	return wire.Open(map[string]softpmd.End{"a": softpmd.A, "b": softpmd.B}[end], cfg)
}

// Observer counts the ESP packets on a wire by size. Safe for concurrent use.
type Observer struct {
	packets atomic.Uint64
	octets  atomic.Uint64
	sizes   [1 << 16]atomic.Uint64
}

// see is a tap of a wire of raw IP packets.
func (o *Observer) see(_ softpmd.End, frame []byte, _ int64) {
	if !isESP(frame) {
		return
	}
	o.packets.Add(1)
	o.octets.Add(uint64(len(frame)))
	o.sizes[len(frame)&0xffff].Add(1)
}

// nonESP is what IKE messages on port 4500 begin with (RFC 3948 2.2).
var nonESP [4]byte

// isESP reports whether an IP packet carries ESP, directly or in UDP port 4500.
func isESP(ip []byte) bool {
	proto, at := byte(0), 0
	switch {
	case len(ip) >= 28 && ip[0]>>4 == 4:
		proto, at = ip[9], int(ip[0]&15)*4
	case len(ip) >= 48 && ip[0]>>4 == 6:
		proto, at = ip[6], 40
	default:
		return false
	}
	if proto == 50 {
		return true
	}
	udp := ip[at:]
	return proto == 17 && len(udp) >= 12 && udp[2] == 4500>>8 && udp[3] == 4500&0xff && [4]byte(udp[8:12]) != nonESP
}

// Packets and Octets return what has passed; octets are of the outer IP packets.
func (o *Observer) Packets() uint64 { return o.packets.Load() }

// Octets returns the octets of the ESP packets that passed, outer IP header included.
func (o *Observer) Octets() uint64 { return o.octets.Load() }

// Sizes returns how many packets of each size have passed.
func (o *Observer) Sizes() map[int]uint64 {
	out := map[int]uint64{}
	for n := range o.sizes {
		if c := o.sizes[n].Load(); c > 0 {
			out[n] = c
		}
	}
	return out
}
