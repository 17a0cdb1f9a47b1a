package softpmd

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// openPort opens a device string with one queue and its own pool.
func openPort(t *testing.T, device string) (pmd.Port, *mbuf.Pool, error) {
	t.Helper()
	pool := newPool(t, 64)
	pools := []*mbuf.Pool{pool}
	p, err := pmd.Open(device, pmd.Config{RxPools: pools, TxPools: pools})
	return p, pool, err
}

func mustOpen(t *testing.T, device string) (pmd.Port, *mbuf.Pool) {
	t.Helper()
	p, pool, err := openPort(t, device)
	if err != nil {
		t.Fatal(err)
	}
	return p, pool
}

// TestDeviceStrings: two device strings of one name are the two ends of a wire.
func TestDeviceStrings(t *testing.T) {
	a, pool := mustOpen(t, "soft:lab,end=a,link=raw,mac=02:00:00:00:00:99,ring=8")
	b, _ := mustOpen(t, "soft:lab,end=b,link=raw")
	ms := make([]*mbuf.Mbuf, 10)
	for i := range ms {
		ms[i] = numbered(pool, i, 60)
	}
	if n := a.Tx(0).TxBurst(ms); n != 8 {
		t.Errorf("a ring of 8 took %d", n)
	}
	if n := b.Rx(0).RxBurst(ms[:8]); n != 8 {
		t.Errorf("%d of 8 arrived", n)
	}
	if in := a.Info(); in.Name != "soft:lab,end=a,link=raw,mac=02:00:00:00:00:99,ring=8" || in.Link != pmd.RawIP || in.MTU != 1500 {
		t.Errorf("info %+v", in)
	}
	a.Close()
	b.Close()
	again, _ := mustOpen(t, "soft:lab,end=a,link=ethernet,mac=02:00:00:00:00:99,loss=0.5,seed=77")
	if in := again.Info(); in.Link != pmd.Ethernet || in.MAC != [6]byte{2, 0, 0, 0, 0, 0x99} || !strings.HasSuffix(in.Name, ",seed=77") {
		t.Errorf("a wire that both ends have closed starts anew: %+v", in)
	}
	again.Close()
}

// TestDrawnSeedIsReported: with the seed from Info.Name the same wire can be opened again.
func TestDrawnSeedIsReported(t *testing.T) {
	p, _ := mustOpen(t, "soft:drawn,end=a,loss=0.1")
	name := p.Info().Name
	p.Close()
	if !strings.HasPrefix(name, "soft:drawn,end=a,loss=0.1,seed=") {
		t.Fatalf("name %q", name)
	}
	again, _ := mustOpen(t, name)
	if again.Info().Name != name {
		t.Errorf("opened as %q, reports %q", name, again.Info().Name)
	}
	again.Close()
}

func TestDeviceSettings(t *testing.T) {
	d, err := parseDevice("w,end=b,delay=1ms,jitter=20us,loss=0.01,reorder=0.2,duplicate=0.5,rate=10g,reorder_depth=7,reorder_hold=3ms,hash=spi,seed=0x10")
	if err != nil {
		t.Fatal(err)
	}
	want := Impairment{Delay: time.Millisecond, Jitter: 20 * time.Microsecond, Rate: 10e9, Loss: 0.01, Reorder: 0.2,
		Duplicate: 0.5, ReorderDepth: 7, ReorderHold: 3 * time.Millisecond}
	if !reflect.DeepEqual(d.im, want) || d.end != B || d.name != "w" || d.seed != 16 || d.hash.name != "rss+spi" {
		t.Errorf("parsed %+v, expected %+v", d, want)
	}
	for text, bits := range map[string]uint64{"1": 1, "64k": 64e3, "1.5m": 1_500_000, "40G": 40e9} {
		var got uint64
		if err := setRate(&got, text); err != nil || got != bits {
			t.Errorf("rate %q: %d, %v, expected %d", text, got, err, bits)
		}
	}
}

func TestDeviceErrors(t *testing.T) {
	keep, _ := mustOpen(t, "soft:taken,end=a,link=raw,ring=16")
	defer keep.Close()
	for device, want := range map[string]string{
		"soft:":                              `wire name "", expected the name of a wire first`,
		"soft:end=a":                         `wire name "end=a", expected the name of a wire first`,
		"soft:w":                             `wire "w": no end given, expected end=a or end=b`,
		"soft:w,end=c":                       `end="c", expected a or b`,
		"soft:w,end=a,end=b":                 `setting "end" is given twice`,
		"soft:w,end=a,dealy=1ms":             `unknown setting "dealy", expected one of: delay, duplicate, end,`,
		"soft:w,end=a,delay=1":               `delay="1", expected a duration such as 1ms`,
		"soft:w,end=a,delay=-1s":             `wire "w": delay of -1s, expected 0 to 1h`,
		"soft:w,end=a,loss=2":                `wire "w": loss of 2, expected a probability from 0 to 1`,
		"soft:w,end=a,loss=some":             `loss="some", expected a probability from 0 to 1`,
		"soft:w,end=a,rate=10t":              `rate="10t", expected bits per second such as 10g, 1.5m or 64k`,
		"soft:w,end=a,rate=":                 `rate="", expected bits per second`,
		"soft:w,end=a,rate=10kk":             `rate="10kk", expected bits per second`,
		"soft:w,end=a,link=token":            `link="token", expected ethernet or raw`,
		"soft:w,end=a,hash=md5":              `hash="md5", expected toeplitz, spi or none`,
		"soft:w,end=a,mac=01:00:5e:00:00:1":  `mac="01:00:5e:00:00:1", expected a unicast address`,
		"soft:w,end=a,mac=01:00:5e:00:00:01": `mac="01:00:5e:00:00:01", expected a unicast address`,
		"soft:w,end=a,ring=100":              `ring of 100, expected a power of two up to 65536`,
		"soft:taken,end=a,link=raw":          `wire "taken": end a is open already`,
		"soft:taken,end=b":                   `wire "taken": end b with link=ethernet, the other end has link=raw`,
		"soft:taken,end=b,link=raw,ring=32":  `wire "taken": end b with ring=32, the other end has ring=16`,
	} {
		p, _, err := openPort(t, device)
		if err == nil {
			t.Errorf("%s: opened, expected an error with %s", device, want)
			p.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), device) {
			t.Errorf("%s: error %v, expected one with %s", device, err, want)
		}
	}
}

// TestSteeringByName: two Child SAs between two hosts meet on one queue by Toeplitz, and part by SPI; without a hash
// everything is on queue 0 and no mbuf claims to have one.
func TestSteeringByName(t *testing.T) {
	for setting, want := range map[string]struct {
		info   string
		queues int
		hashed bool
	}{"": {"rss", 1, true}, ",hash=toeplitz": {"rss", 1, true}, ",hash=spi": {"rss+spi", 4, true}, ",hash=none": {"none", 1, false}} {
		a, pool := mustOpen(t, "soft:steer,end=a,link=raw")
		pools := []*mbuf.Pool{pool, pool, pool, pool}
		b, err := pmd.Open("soft:steer,end=b,link=raw"+setting, pmd.Config{RxPools: pools})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Info().Steering; got != want.info {
			t.Errorf("%q: steering is %q, expected %q", setting, got, want.info)
		}
		ms := make([]*mbuf.Mbuf, 32)
		for i := range ms {
			esp := ipPacket(v4a, v4b, protoESP, []byte{0, 0, 1, byte(i), 0, 0, 0, 1})
			ms[i] = pool.Get(len(esp))
			copy(ms[i].Append(len(esp)), esp)
		}
		if n := a.Tx(0).TxBurst(ms); n != len(ms) {
			t.Fatalf("%d of %d taken", n, len(ms))
		}
		used := 0
		for q := range pools {
			n := b.Rx(q).RxBurst(ms)
			used += min(n, 1)
			for _, m := range ms[:n] {
				if hashed := m.Flags&mbuf.FlagHash != 0; hashed != want.hashed || int(m.Queue) != q {
					t.Errorf("%q: hashed is %v on queue %d of %d", setting, hashed, m.Queue, q)
				}
			}
			pool.Free(ms[:n])
		}
		if used != want.queues {
			t.Errorf("%q: 32 SAs are on %d queues, expected %d", setting, used, want.queues)
		}
		a.Close()
		b.Close()
	}
}
