package control

import (
	"testing"

	"stillwater/appliance/config"
	"stillwater/iptfs"
)

// TestConstantShares: all SAs of a constant child together keep its rate.
func TestConstantShares(t *testing.T) {
	traffic := config.Traffic{Mode: config.ModeConstant, OuterPacketSize: 1500, Rate: config.Rate{Kind: config.RatePackets, Value: 1000}}
	one, err := framing(&traffic, 1)
	must(t, err)
	for _, share := range []int{1, 2, 7} {
		f, err := framing(&traffic, share)
		must(t, err)
		if want := (iptfs.Interval{Num: one.Interval.Num * int64(share), Den: one.Interval.Den}); !f.Constant || f.Interval != want || f.OuterSize != 1500 {
			t.Errorf("%d SAs: %+v, expected the interval %v", share, f, want)
		}
	}
	if one.Interval.Num/one.Interval.Den != 1_000_000 {
		t.Errorf("a packet every %v ns, expected 1000 a second", one.Interval)
	}
	traffic.Mode = config.ModeAggregate
	if f, err := framing(&traffic, 3); err != nil || f.Constant || f.Interval != (iptfs.Interval{}) {
		t.Errorf("on demand: %+v, %v", f, err)
	}
}
