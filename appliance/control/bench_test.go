package control

import (
	"fmt"
	"net/netip"
	"testing"

	"stillwater/ike"
	"stillwater/ike/wire"
)

// crowd is a concentrator's load.
const crowd = 10_000

// openCrowd opens n bundles, each to a network of its own.
func (r *rig) openCrowd(n int) {
	for i := range n {
		net := netip.AddrFrom4([4]byte{10, byte(2 + i>>8), byte(i), 0})
		r.do(ike.Operation{
			Kind: ike.OpenBundle, Bundle: ike.BundleID(i + 1), Child: r.conns[0].Children[0], Outer: outerTo(byte(2 + i%250)),
			Local: selectors("10.1.0.0/16"), Remote: []wire.Selector{{First: net, Last: last(netip.PrefixFrom(net, 24)), EndPort: 0xffff}},
		})
	}
}

// BenchmarkPublish is what a generation costs the control core with ten thousand bundles: after a rekey, when a bundle has
// come, when a neighbour has.
func BenchmarkPublish(b *testing.B) {
	for _, lcores := range []int{1, 4} {
		r := newRig(b, rigConfig{lcores: lcores})
		r.openCrowd(crowd)
		must(b, r.publishNext())
		for name, change := range map[string]func(){
			"rekey":     func() {},
			"bundle":    func() { r.draft.policy = true },
			"neighbour": func() { r.draft.routes = true },
		} {
			b.Run(fmt.Sprint(name, "/", lcores, "_lcores"), func(b *testing.B) {
				for b.Loop() {
					r.touch(r.order[len(r.order)/2])
					change()
					must(b, r.publishNext())
				}
			})
		}
	}
}

// BenchmarkStep is an idle step of the control core with ten thousand bundles.
func BenchmarkStep(b *testing.B) {
	r := newRig(b, rigConfig{})
	r.openCrowd(crowd)
	r.settle()
	for b.Loop() {
		r.Step(r.time.Load())
	}
}
