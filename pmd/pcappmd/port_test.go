package pcappmd

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

// bench is a port with one pool and a stepped clock.
type bench struct {
	testing.TB
	pmd.Port
	pool *mbuf.Pool
	now  int64
}

func openBench(t *testing.T, args string, queues, mtu int) *bench {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N2K: 2000, N9K: 10})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{TB: t, pool: pool, now: 1_000_000_000}
	cfg := pmd.Config{Index: 3, MTU: mtu, Now: func() int64 { return b.now }}
	for range queues {
		cfg.RxPools, cfg.TxPools = append(cfg.RxPools, pool), append(cfg.TxPools, pool)
	}
	if b.Port, err = pmd.Open("pcap:"+args, cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

// done closes the port and demands all mbufs.
func (b *bench) done() {
	b.Helper()
	if err := errors.Join(b.Port.Close(), b.pool.Close()); err != nil {
		b.Error(err)
	}
}

// poll returns the first octets of what a queue delivers in one burst.
func (b *bench) poll(queue int) (got []byte) {
	ms := make([]*mbuf.Mbuf, 64)
	n := b.Rx(queue).RxBurst(ms)
	for _, m := range ms[:n] {
		got = append(got, m.Data()[m.Len()-1])
	}
	b.pool.Free(ms[:n])
	return got
}

// write puts a file into the test's folder and returns its path.
func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.pcap")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// three raw packets at 1 s, 1.5 s and 2 s, which end in 1, 2, 3.
func threePackets() []byte {
	var rs []copied
	for i := range 3 {
		rs = append(rs, copied{data: "\x45\x00\x00" + string(rune(i+1)), time: int64(i+2) * 500_000_000, origLen: 4})
	}
	return classicFile(LinkRaw, rs...)
}

func TestReplayRounds(t *testing.T) {
	path := write(t, threePackets())
	for loop, want := range map[string]string{"": "\x01\x02\x03", ",loop=2": "\x01\x02\x03\x01\x02\x03"} {
		b := openBench(t, "rx="+path+loop, 1, 0)
		if got := string(b.poll(0)) + string(b.poll(0)); got != want {
			t.Errorf("%q replays %x, expected %x", loop, got, want)
		}
		b.done()
	}
	b := openBench(t, "rx="+path+",loop=0", 1, 0)
	for range 10 {
		if got := b.poll(0); len(got) != 64 {
			t.Errorf("an endless replay delivered %d of 64", len(got))
		}
	}
	b.done()
}

// TestReplayInTime: with pace=time packets keep their distances, and a new round begins one mean gap after the last packet.
func TestReplayInTime(t *testing.T) {
	b := openBench(t, "rx="+write(t, threePackets())+",pace=time,loop=2", 1, 0)
	start := b.now
	for i, want := range []string{"\x01", "\x02", "\x03", "\x01", "\x02", "\x03", ""} {
		b.now = start + int64(i)*500_000_000 - 1
		if got := string(b.poll(0)); got != "" && i > 0 {
			t.Errorf("step %d: %x came 1 ns early", i, got)
		} else if i == 0 {
			start = b.now
			want = ""
			if got != "\x01" {
				t.Errorf("the first poll delivered %x, expected packet 1", got)
			}
			continue
		}
		b.now = start + int64(i)*500_000_000
		if got := string(b.poll(0)); got != want {
			t.Errorf("step %d: %x, expected %x", i, got, want)
		}
	}
	b.done()
}

// TestReplayWaitsForMbufs: an empty pool delays a replay and loses nothing.
func TestReplayWaitsForMbufs(t *testing.T) {
	b := openBench(t, "rx="+write(t, threePackets()), 1, 0)
	var hoard []*mbuf.Mbuf
	for m := b.pool.Get(1); m != nil; m = b.pool.Get(1) {
		hoard = append(hoard, m)
	}
	b.pool.Free(hoard[:1])
	hoard = hoard[1:]
	if got := b.poll(0); string(got) != "\x01" {
		t.Errorf("with one mbuf: %x", got)
	}
	b.pool.Free(hoard)
	if got := b.poll(0); string(got) != "\x02\x03" {
		t.Errorf("with mbufs again: %x, expected 0203", got)
	}
	b.done()
}

// TestDamagedPacketsAreCounted: cut, oversize and empty packets are not replayed.
func TestDamagedPacketsAreCounted(t *testing.T) {
	file := classicFile(LinkRaw,
		copied{data: "\x45\x01", origLen: 3}, copied{data: strings.Repeat("\x45", 1001), origLen: 1001},
		copied{data: "\x45\x02", origLen: 2}, copied{}, copied{data: strings.Repeat("\x46", 1000), origLen: 1000})
	b := openBench(t, "rx="+write(t, file), 1, 1000)
	if got := b.poll(0); string(got) != "\x02\x46" {
		t.Errorf("replayed %x, expected 0246", got)
	}
	if s := b.Stats(); s.RxErrors != 3 || s.RxPackets != 2 || s.RxOctets != 1002 {
		t.Errorf("stats %+v, expected 3 errors and 2 packets of 1002 octets", s)
	}
	b.done()
}

// TestMTUFollowsTheFile: without an MTU asked for, everything in the file fits.
func TestMTUFollowsTheFile(t *testing.T) {
	jumbo := strings.Repeat("\x45", 9014)
	b := openBench(t, "rx="+write(t, classicFile(LinkEthernet, copied{data: jumbo, origLen: 9014})), 1, 0)
	if got := b.poll(0); len(got) != 1 || b.Info().MTU != 9000 {
		t.Errorf("%d packets at MTU %d, expected 1 at 9000", len(got), b.Info().MTU)
	}
	b.done()
}

// TestRecording: the file holds what was sent, with the clock's times, and the tag back in its place (IEEE 802.1Q).
func TestRecording(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.pcap")
	b := openBench(t, "tx="+path, 1, 0)
	frame := append(make([]byte, 12), 0x08, 0x06, 1, 2, 3)
	var ms []*mbuf.Mbuf
	for range 2 {
		m := b.pool.Get(len(frame))
		copy(m.Append(len(frame)), frame)
		ms = append(ms, m)
	}
	ms[1].VLAN, ms[1].Flags = 0xe00a, ms[1].Flags|mbuf.FlagVLAN
	if n := b.Tx(0).TxBurst(ms); n != 2 {
		t.Fatalf("%d of 2 taken", n)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file has its name before it is complete")
	}
	b.done()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(content)
	tagged := append(append(make([]byte, 12), 0x81, 0x00, 0xe0, 0x0a), frame[12:]...)
	if err != nil || len(got) != 2 || got[0].data != string(frame) || got[1].data != string(tagged) || got[1].time != b.now {
		t.Errorf("recorded %+v, %v", got, err)
	}
}

// TestFullRingTakesFewer: while the disk does not keep up, packets stay with the caller.
func TestFullRingTakesFewer(t *testing.T) {
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N2K: 10})
	if err != nil {
		t.Fatal(err)
	}
	in := pmd.Info{Link: pmd.RawIP, MTU: 1500}
	rec := &recorder{wake: make(chan struct{}, 1)} // a recorder that never runs
	q := &txQueue{info: &in, ring: ring.New[*mbuf.Mbuf](4), rec: rec, pool: pool, now: func() int64 { return 0 }}
	ms := make([]*mbuf.Mbuf, 6)
	pool.GetBurst(ms, mbuf.Class2K)
	for _, m := range ms {
		m.SetLen(100)
	}
	if n := q.TxBurst(ms); n != 4 || q.packets.Load() != 4 || q.octets.Load() != 400 {
		t.Errorf("%d taken, %d packets and %d octets counted, expected 4, 4 and 400", n, q.packets.Load(), q.octets.Load())
	}
	if n := q.TxBurst(ms[4:]); n != 0 {
		t.Errorf("a full ring took %d", n)
	}
}

// TestSinkCounts: a port that only replays drops what is sent, counted.
func TestSinkCounts(t *testing.T) {
	b := openBench(t, "rx="+write(t, threePackets()), 1, 0)
	m := b.pool.Get(1)
	m.Append(20)
	if n := b.Tx(0).TxBurst([]*mbuf.Mbuf{m}); n != 1 || b.Stats().TxDropped != 1 {
		t.Errorf("%d taken, %+v", n, b.Stats())
	}
	b.done()
}

// TestRecordingFails: an error of the disk reaches Close, all mbufs come home and no file is left.
func TestRecordingFails(t *testing.T) {
	w, err := NewWriter(&fullDisk{room: 1000}, LinkRaw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N9K: 40})
	if err != nil {
		t.Fatal(err)
	}
	in := pmd.Info{Link: pmd.RawIP, MTU: 9000}
	rec := newRecorder(w, in)
	q := &txQueue{info: &in, ring: ring.New[*mbuf.Mbuf](64), rec: rec, pool: pool, now: func() int64 { return 0 }}
	rec.queues = []*txQueue{q}
	ms := make([]*mbuf.Mbuf, 40)
	pool.GetBurst(ms, mbuf.Class9K)
	for _, m := range ms {
		m.SetLen(9000)
	}
	if n := q.TxBurst(ms); n != 40 {
		t.Fatalf("%d of 40 taken", n)
	}
	rec.done.Go(rec.run)
	if err := rec.close(); !errors.Is(err, errDisk) {
		t.Errorf("Close: %v, expected the error of the disk", err)
	}
	if rec.dropped.Load() == 0 {
		t.Error("nothing is counted as dropped")
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

// TestQueuesByFlow: with several queues a flow stays on one, with the hash of softpmd's RSS.
func TestQueuesByFlow(t *testing.T) {
	var rs []copied
	for i := range 200 {
		ip := make([]byte, 28)
		ip[0], ip[9] = 0x45, 17
		binary.BigEndian.PutUint16(ip[20:], uint16(i%50))
		ip[27] = byte(i % 50)
		rs = append(rs, copied{data: string(ip), origLen: 28})
	}
	b := openBench(t, "rx="+write(t, classicFile(LinkRaw, rs...)), 3, 0)
	where := map[byte]int{}
	total := 0
	for q := range 3 {
		for got := b.poll(q); len(got) > 0; got = b.poll(q) {
			total += len(got)
			for _, flow := range got {
				if w, seen := where[flow]; seen && w != q {
					t.Errorf("flow %d is on queues %d and %d", flow, w, q)
				}
				where[flow] = q
			}
		}
	}
	if total != 200 || len(where) != 50 {
		t.Errorf("%d packets of %d flows, expected 200 of 50", total, len(where))
	}
	b.done()
}

func TestReplayAndRecordDoNotAllocate(t *testing.T) {
	b := openBench(t, "rx="+write(t, threePackets())+",loop=0,tx="+filepath.Join(t.TempDir(), "out.pcap"), 1, 0)
	ms := make([]*mbuf.Mbuf, 32)
	round := func() {
		n := b.Rx(0).RxBurst(ms)
		b.pool.Free(ms[b.Tx(0).TxBurst(ms[:n]):n])
	}
	if a := testing.AllocsPerRun(200, round); a != 0 {
		t.Errorf("%v allocations per burst", a)
	}
	b.done()
}

func TestDeviceErrors(t *testing.T) {
	path := write(t, threePackets())
	empty := write(t, classicFile(LinkRaw))
	cooked := write(t, classicFile(113))
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N2K: 1})
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                              `unknown setting "", expected one of: link, loop, mac, pace, rx, tx`,
		"loop=1":                        `neither rx=FILE nor tx=FILE is given`,
		"rx=":                           `rx="", expected a file name`,
		"rx=a,rx=b":                     `setting "rx" is given twice`,
		"rx=a,loop=-1":                  `loop="-1", expected a number of rounds, 0 for no end`,
		"rx=a,pace=fast":                `pace="fast", expected none or time`,
		"rx=a,link=token":               `link="token", expected auto, ethernet or raw`,
		"rx=a,mac=ff:ff:ff:ff:ff:ff":    `expected a unicast address`,
		"rx=/nowhere":                   `open capture file: open /nowhere`,
		"rx=" + path + ",link=ethernet": `link=ethernet, but the file ` + path + ` has link type RAW (101)`,
		"rx=" + empty:                   `has no packets, nothing to replay`,
		"rx=" + cooked:                  `LINUX_SLL (113)`,
		"tx=" + filepath.Dir(path):      `expected a regular file or none`,
	} {
		p, err := pmd.Open("pcap:"+args, pmd.Config{RxPools: []*mbuf.Pool{pool}})
		if err == nil || p != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %s", args, err, want)
		}
	}
	for _, mtu := range []int{-1, 70000} {
		if _, err := pmd.Open("pcap:rx="+path, pmd.Config{RxPools: []*mbuf.Pool{pool}, MTU: mtu}); err == nil || !strings.Contains(err.Error(), "MTU of") {
			t.Errorf("MTU %d: error %v", mtu, err)
		}
	}
}
