package iptfs

import (
	"math"
	"testing"
)

const gigabit = 1_000_000_000

// TFS-T62: the send intervals of the specification's table, in tenths of a nanosecond; TFS-058: the rate is the
// bandwidth divided by the size.
func TestTFST62_Intervals(t *testing.T) {
	for _, c := range []struct {
		name string
		bps  int64
		size int
		l3   int64
		l2   int64
	}{
		{"1500 at 1G", gigabit, 1500, 120000, 123040},
		{"1500 at 10G", 10 * gigabit, 1500, 12000, 12304},
		{"9000 at 10G", 10 * gigabit, 9000, 72000, 72304},
		{"576 at 10G", 10 * gigabit, 576, 4608, 4912},
		{"1500 at 1M", 1_000_000, 1500, 120000000, 123040000},
	} {
		t.Run("TFS-058 "+c.name, func(t *testing.T) {
			if got, err := L3Rate(c.bps, c.size); err != nil || got.Num*10 != c.l3*got.Den {
				t.Errorf("layer 3: got %v, %v, want %d/10", got, err, c.l3)
			}
			if got, err := L2Rate(c.bps, c.size, EthernetOverhead); err != nil || got.Num*10 != c.l2*got.Den {
				t.Errorf("layer 2: got %v, %v, want %d/10", got, err, c.l2)
			}
		})
	}
}

// The shortest Ethernet frame takes 84 octets, tagged or not; a tag adds 4 to longer ones (YNG-063).
func TestYNG063_Layer2Overhead(t *testing.T) {
	for _, c := range []struct{ size, overhead, octets int }{
		{20, 38, 84}, {46, 38, 84}, {47, 38, 85}, {42, 42, 84}, {43, 42, 85}, {1500, 38, 1538}, {1500, 42, 1542},
	} {
		got, err := L2Rate(8*gigabit, c.size, c.overhead)
		if want := (Interval{int64(c.octets), 1}); got != want || err != nil {
			t.Errorf("%d octets, overhead %d: got %v, %v, want %v", c.size, c.overhead, got, err, want)
		}
	}
}

func TestPacketRate(t *testing.T) {
	for _, c := range []struct {
		pps  int64
		want Interval
	}{{1, Interval{gigabit, 1}}, {3, Interval{gigabit, 3}}, {812_744, Interval{125_000_000, 101_593}}, {gigabit, Interval{1, 1}}} {
		if got, err := PacketRate(c.pps); got != c.want || err != nil {
			t.Errorf("%d packets a second: got %v, %v, want %v", c.pps, got, err, c.want)
		}
	}
}

func TestRatesRefuse(t *testing.T) {
	refused := func(name string, got Interval, err error) {
		t.Helper()
		if err == nil || (got != Interval{}) {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
	for _, pps := range []int64{math.MinInt64, -1, 0, gigabit + 1} {
		got, err := PacketRate(pps)
		refused("packet rate", got, err)
	}
	for _, size := range []int{-1, 0, 19, 65536} {
		got, err := L3Rate(gigabit, size)
		refused("layer 3 size", got, err)
		got, err = L2Rate(gigabit, size, 38)
		refused("layer 2 size", got, err)
	}
	for _, bps := range []int64{math.MinInt64, 0, 12000*gigabit + 1} {
		got, err := L3Rate(bps, 1500)
		refused("bits a second", got, err)
	}
	for _, overhead := range []int{-1, 65536} {
		got, err := L2Rate(gigabit, 1500, overhead)
		refused("overhead", got, err)
	}
}
