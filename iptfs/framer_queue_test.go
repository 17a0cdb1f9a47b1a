package iptfs

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"stillwater/pmd/mbuf"
)

// framerRaw allocates an mbuf that holds the octets given.
func (r *framerRig) framerRaw(b []byte) *mbuf.Mbuf {
	r.t.Helper()
	m := r.pool.Get(len(b))
	if m == nil || !m.SetLen(len(b)) {
		r.t.Fatalf("no mbuf for %d octets", len(b))
	}
	copy(m.Data(), b)
	return m
}

func TestOfferRefusesMalformed(t *testing.T) {
	whole4, whole6 := make([]byte, 60), make([]byte, 60)
	framerFill(whole4, 4, 1)
	framerFill(whole6, 6, 1)
	short4 := bytes.Clone(whole4)
	short4[0] = 0x44
	long4 := bytes.Clone(whole4)
	long4[0] = 0x4f
	r := newFramerRig(t, framerConfig(1404, true))
	for _, c := range []struct {
		name string
		b    []byte
		want mbuf.Verdict
	}{
		{"IPv4", whole4, mbuf.Pass},
		{"IPv6", whole6, mbuf.Pass},
		{"IPv4 with options to its end", long4, mbuf.Pass},
		{"nothing", nil, mbuf.Malformed},
		{"IPv4 of 3 octets", whole4[:3], mbuf.Malformed},
		{"IPv4 cut", whole4[:59], mbuf.Malformed},
		{"IPv4 with layer 2 padding", append(bytes.Clone(whole4), 0), mbuf.Malformed},
		{"IPv4 header length 16", short4, mbuf.Malformed},
		{"IPv4 header longer than the packet", []byte{0x4f, 0, 0, 20, 19: 0}, mbuf.Malformed},
		{"TFS-029 IPv4 total length 0", []byte{0x45, 0, 0, 0, 19: 0}, mbuf.Malformed},
		{"IPv6 of 5 octets", whole6[:5], mbuf.Malformed},
		{"IPv6 cut", whole6[:59], mbuf.Malformed},
		{"looks like a pad block", make([]byte, 60), mbuf.Malformed},
		{"version 5", append([]byte{0x55}, whole4[1:]...), mbuf.Malformed},
	} {
		m := r.framerRaw(c.b)
		if n := r.Offer(mbuf.Burst{m}, 0); m.Verdict != c.want || (n == 1) != (c.want == mbuf.Pass) {
			t.Errorf("%s: taken %d, %v, want %v", c.name, n, m.Verdict, c.want)
		}
		if m.Verdict != mbuf.Pass {
			r.pool.Put(m)
		}
	}
}

// A packet is whole exactly when BlockLen, which the receiver goes by, sees a block of just its length.
func TestIsWholeAgreesWithBlockLen(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 8))
	whole := 0
	for range 200_000 {
		b := make([]byte, rnd.IntN(100))
		for i := range b[:min(len(b), 6)] {
			b[i] = byte(rnd.Uint32())
		}
		if len(b) >= 6 && rnd.IntN(2) == 0 { // lengths near the truth are rare by chance
			b[0] = byte(4+2*rnd.IntN(2))<<4 | b[0]&15
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)-rnd.IntN(2)))
			binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40-rnd.IntN(2)))
		}
		length, need, ok := BlockLen(b)
		want := ok && need == 0 && length == len(b) && BlockKind(b[0]) != BlockPad
		if got := isWhole(b); got != want {
			t.Fatalf("%x: got %t, want %t", b, got, want)
		}
		if want {
			whole++
		}
	}
	if whole < 1000 {
		t.Errorf("only %d whole packets among them", whole)
	}
}

// TFS-T49: an IPv6 packet of 65575 octets could leave more than BlockOffset counts to; it is refused whatever max_inner.
func TestTFST49_IPv6Of65575(t *testing.T) {
	cfg := framerConfig(1404, true)
	cfg.MaxInner = 65535
	r := newFramerRig(t, cfg)
	b := make([]byte, 65575)
	b[0] = 0x60
	binary.BigEndian.PutUint16(b[4:], 65535)
	pool64, err := mbuf.NewPool(mbuf.PoolConfig{Name: "large", N64K: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := pool64.Get(65536)
	m.SetLen(copy(m.Room(), b))
	if n := r.Offer(mbuf.Burst{m}, 0); n != 0 || m.Verdict != mbuf.TooBig {
		t.Errorf("TFS-031: taken %d, %v, want too_big", n, m.Verdict)
	}
	pool64.Put(m)
	if err := pool64.Close(); err != nil {
		t.Error(err)
	}

	sent := r.offer(0, 65535)
	s := framerStream{t: t, least: 40}
	payloads := r.emit(47, 0)
	s.take(payloads...)
	s.want(sent)
	if offset := binary.BigEndian.Uint16(payloads[1][2:]); offset != 65535-1400 {
		t.Errorf("BlockOffset %d, want %d", offset, 65535-1400)
	}
	cfg.MaxInner = 65536
	if _, err := NewFramer(cfg); err == nil {
		t.Error("max inner 65536: accepted")
	}
}

// What is refused stays behind what was taken, in order, and with the reason.
func TestOfferKeepsOrder(t *testing.T) {
	cfg := framerConfig(1404, true)
	cfg.QueuePackets, cfg.MaxInner = 4, 1000
	r := newFramerRig(t, cfg)
	var ms mbuf.Burst
	for _, size := range []int{20, 1001, 30, 31, 1002, 32, 33, 34} {
		ms = append(ms, r.packet(4, size))
	}
	ms[2].Data()[2]++ // total length is a lie now
	if n := r.Offer(ms, 0); n != 4 {
		t.Fatalf("%d taken, want 4", n)
	}
	var got []int
	var why []mbuf.Verdict
	for _, m := range ms {
		got = append(got, m.Len())
		why = append(why, m.Verdict)
	}
	if want := []int{20, 31, 32, 33, 1001, 30, 1002, 34}; !slices.Equal(got, want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
	if want := []mbuf.Verdict{0, 0, 0, 0, mbuf.TooBig, mbuf.Malformed, mbuf.TooBig, mbuf.QueueFull}; !slices.Equal(why, want) {
		t.Errorf("verdicts %v, want %v", why, want)
	}
	r.pool.Free(ms[4:])
}

// Framers of one owner share what Offer needs beside the burst.
func TestOfferSharesScratch(t *testing.T) {
	cfg := framerConfig(104, true)
	cfg.QueuePackets, cfg.Scratch = 1, make(mbuf.Burst, 2)
	for range 2 {
		r := newFramerRig(t, cfg)
		in := mbuf.Burst{r.packet(4, 30), r.packet(4, 31)}
		want := slices.Clone(in)
		if n := r.Offer(in, 0); n != 1 || !slices.Equal(in, want) || cfg.Scratch[0] != want[1] {
			t.Errorf("%d taken, want 1 and the other put aside in the Scratch that was given", n)
		}
		r.pool.Put(in[1])
	}
}

// The queue is bounded in packets and in octets, and room comes back as octets leave.
func TestTFS062_QueueBounds(t *testing.T) {
	cfg := framerConfig(104, true)
	cfg.QueuePackets, cfg.QueueOctets = 8, 520
	r := newFramerRig(t, cfg)
	refused := func(size int) {
		t.Helper()
		m := r.packet(4, size)
		if n := r.Offer(mbuf.Burst{m}, 0); n != 0 || m.Verdict != mbuf.QueueFull {
			t.Errorf("%d octets: taken %d, %v, want queue_full", size, n, m.Verdict)
		}
		r.pool.Put(m)
	}
	r.offer(0, 300, 180)
	refused(41)
	r.offer(0, 20)
	refused(21)
	r.emit(1, 0) // 100 octets of the first leave
	if packets, octets := r.Waiting(); packets != 3 || octets != 400 || !r.Partial() {
		t.Errorf("%d packets of %d octets wait, partial %t, want 3, 400, true", packets, octets, r.Partial())
	}
	refused(121)
	r.offer(0, 20, 20, 20, 20, 20) // 8 packets with the one sent in part
	refused(20)
	r.emit(2, 0) // ends the first
	r.offer(0, 20)
	refused(20)
}

// max-aggregation-time (RFC 9348): what waited longer is dropped, never what was begun.
func TestTFST47_MaxWait(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		cfg := framerConfig(104, fixed)
		cfg.MaxWait = 1000
		r := newFramerRig(t, cfg)
		s := framerStream{t: t, least: 40}
		var sent [][]byte
		sent = append(sent, r.offer(0, 350)...)
		s.take(r.emit(1, 1000)...) // waited exactly the limit
		r.offer(100, 60, 70)       // will be too old
		sent = append(sent, r.offer(1500, 20)...)
		s.take(r.emit(2, 2000)...) // the first goes on although it is old, none is dropped behind it
		if packets, octets := r.Waiting(); packets != 4 || octets != 50+60+70+20 {
			t.Errorf("fixed %t: %d packets of %d octets wait, want 4, 200", fixed, packets, octets)
		}
		s.take(r.emit(1, 2500)...)
		s.want(sent)
		if got := r.Drops()[mbuf.AgedOut]; got != 2 {
			t.Errorf("fixed %t: %d aged out, want 2", fixed, got)
		}
		r.offer(3000, 20, 30)
		payloads := r.emit(1, 4001)
		if fixed != (len(payloads) == 1) {
			t.Errorf("fixed %t: %d payloads of packets that all aged out", fixed, len(payloads))
		}
		if packets, octets := r.Waiting(); packets != 0 || octets != 0 || r.Drops()[mbuf.AgedOut] != 4 {
			t.Errorf("fixed %t: %d packets of %d octets wait, %d aged out, want 0, 0, 4", fixed, packets, octets, r.Drops()[mbuf.AgedOut])
		}
	}
}

// Before the SA changes, the packet begun here ends here; what was not begun goes to the next SA in order.
func TestTFST44_NoPartialAcrossSAs(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		cfg := framerConfig(104, fixed)
		cfg.HoldTime = 1 << 30
		if fixed {
			cfg.HoldTime = 0
		}
		old, next := newFramerRig(t, cfg), newFramerRig(t, cfg)
		sent := old.offer(0, 250, 30, 90, 200, 40)
		s := framerStream{t: t, least: 40}
		s.take(old.emit(1, 0)...)
		moved := make(mbuf.Burst, 8)
		if n := old.Take(moved); n != 0 || !old.Partial() {
			t.Errorf("fixed %t: %d taken inside a packet", fixed, n)
		}
		for old.Settle(true); old.Partial(); {
			s.take(old.emit(1, 0)...)
		}
		s.want(sent[:2]) // 50 octets of the first, 30 of the second, 20 of room that must not begin the third
		n := old.Take(moved[:2])
		n += old.Take(moved[n:])
		if packets, octets := old.Waiting(); n != 3 || packets != 0 || octets != 0 {
			t.Fatalf("fixed %t: %d taken, %d packets of %d octets left, want 3, 0, 0", fixed, n, packets, octets)
		}
		if taken := next.Offer(moved[:n], 0); taken != n {
			t.Fatalf("fixed %t: %d of %d moved", fixed, taken, n)
		}
		next.Settle(true) // also ends the hold
		s = framerStream{t: t, least: 101}
		s.take(next.emit(1, 0)...)
		if next.Ready(0) != fixed {
			t.Errorf("fixed %t: Ready %t while a packet too long for one payload has to wait", fixed, next.Ready(0))
		}
		next.Settle(false)
		s.least = 40
		s.take(next.emit(3, 1<<30)...)
		s.want(sent[2:])
	}
}

// A framer given up frees what it holds, also inside a packet, and can start again at a packet boundary.
func TestCloseCountsDrained(t *testing.T) {
	r := newFramerRig(t, framerConfig(104, true))
	r.offer(0, 250, 20, 30)
	r.emit(1, 0)
	r.Close(r.pool)
	if packets, octets := r.Waiting(); packets != 0 || octets != 0 || r.Partial() || r.Drops()[mbuf.Drained] != 3 {
		t.Errorf("%d packets of %d octets, partial %t, %d drained, want 0, 0, false, 3", packets, octets, r.Partial(), r.Drops()[mbuf.Drained])
	}
	if free := r.pool.Available(mbuf.Class2K); free != 1024 {
		t.Errorf("%d mbufs at home, want 1024", free)
	}
	sent := r.offer(0, 50)
	framerWant(t, r.emit(1, 0), framerBytes(0, sent[0], make([]byte, 50)))
}

// Without Fixed: a full payload goes at once, a shorter one when its oldest packet has been held long enough.
func TestHoldTime(t *testing.T) {
	cfg := framerConfig(104, false)
	cfg.HoldTime = 500
	r := newFramerRig(t, cfg)
	if at, armed := r.Deadline(); armed || r.Ready(1<<40) {
		t.Errorf("empty: deadline %d, ready", at)
	}
	p := r.offer(1000, 30)
	p = append(p, r.offer(1200, 30)...)
	if at, armed := r.Deadline(); at != 1500 || !armed || r.Ready(1499) || !r.Ready(1500) {
		t.Errorf("deadline %d, %t, ready %t and %t, want 1500, true, false, true", at, armed, r.Ready(1499), r.Ready(1500))
	}
	framerWant(t, r.emit(2, 1499))
	framerWant(t, r.emit(2, 1500), framerBytes(0, p[0], p[1]))

	p = r.offer(2000, 60)
	p = append(p, r.offer(2100, 80)...)
	if at, armed := r.Deadline(); at != 2000 || !armed {
		t.Errorf("full payload: deadline %d, %t, want 2000, true", at, armed)
	}
	framerWant(t, r.emit(2, 2100), framerBytes(0, p[0], p[1][:40]))
	if at, armed := r.Deadline(); at != 2600 || !armed {
		t.Errorf("rest of a packet: deadline %d, %t, want 2600, true", at, armed)
	}
	framerWant(t, r.emit(2, 2600), framerBytes(40, p[1][40:]))

	p = r.offer(3000, 30)
	framerWant(t, r.emit(1, 3000))
	r.Settle(true)
	framerWant(t, r.emit(1, 3000), framerBytes(0, p[0]))
}

func TestFixedIsAlwaysReady(t *testing.T) {
	r := newFramerRig(t, framerConfig(104, true))
	r.offer(5, 20)
	if at, armed := r.Deadline(); armed || !r.Ready(0) {
		t.Errorf("deadline %d, %t, want none: a pacer decides", at, armed)
	}
}
