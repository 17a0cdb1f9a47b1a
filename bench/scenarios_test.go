package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// TestCircuits sends several passes of each size through every circuit. The circuits themselves authenticate and compare
// every packet; what they may not do is handle none.
func TestCircuits(t *testing.T) {
	for _, s := range scenarios {
		for _, size := range []int{MinSize, 64, 65, 512, 1400, 1499, MaxSize} {
			t.Run(fmt.Sprintf("%s/%d", s.name, size), func(t *testing.T) {
				c := build(t, s.name, size)
				out, in := 0, 0
				for range 5 {
					o, i := onePass(t, c)
					out, in = out+o, in+i
				}
				// IP-TFS keeps less than a payload's worth of packets back, once; the others keep none.
				if kept := out - in; in == 0 || kept < 0 || kept > outerSize/size+1 {
					t.Errorf("%d packets went out, %d came back", out, in)
				}
			})
		}
	}
}

// TestPassAllocatesNothing covers the circuits that are made of stages alone. A step of a whole data plane includes its
// builder, which is not an lcore's and may allocate.
func TestPassAllocatesNothing(t *testing.T) {
	for _, name := range []string{"aead.bare", "aead.text", "aead.std", "esp", "iptfs"} {
		for _, size := range []int{64, 1400, MaxSize} {
			c := build(t, name, size)
			onePass(t, c)
			if n := testing.AllocsPerRun(3, func() { onePass(t, c) }); n != 0 {
				t.Errorf("%s, %d octets: %v allocations a pass, want 0", name, size, n)
			}
		}
	}
}

// TestCipherEncrypts: what lies in memory between the two directions is not the packet, and no two packets look alike,
// because each has a nonce of its own.
func TestCipherEncrypts(t *testing.T) {
	for _, name := range []string{"aead.bare", "aead.text"} {
		c := build(t, name, 64).(*bare)
		c.out()
		if bytes.Equal(c.ms[0].Data(), c.packet) {
			t.Errorf("%s: the packet went out in the clear", name)
		}
		if bytes.Equal(c.texts[0], c.texts[1]) {
			t.Errorf("%s: two packets have one nonce", name)
		}
	}
}

// TestTextIsWhatESPEncrypts: RFC 4303 2.4 aligns payload, padding, Pad Length and Next Header to 4 octets.
func TestTextIsWhatESPEncrypts(t *testing.T) {
	for size, want := range map[int]int{64: 68, 65: 68, 66: 68, 67: 72, 1400: 1404} {
		if c := build(t, "aead.text", size).(*bare); len(c.packet) != want {
			t.Errorf("%d octets: text of %d, want %d", size, len(c.packet), want)
		}
	}
}

// TestESPPackets looks at the outer packets: IPv4, protocol ESP, the SPI, consecutive sequence numbers, and the length
// that 64 octets have with ESP and AES-GCM around them.
func TestESPPackets(t *testing.T) {
	c := build(t, "esp", 64).(*plainESP)
	onePass(t, c)
	c.out()
	for i, m := range c.ms {
		d := m.Data()
		const want = 20 + 8 + 8 + 68 + 16 // outer header, ESP header, IV, text, ICV
		if len(d) != want || d[0] != 0x45 || d[9] != 50 || binary.BigEndian.Uint32(d[20:]) != spi {
			t.Fatalf("packet %d: % x, want %d octets of ESP over IPv4", i, d[:min(len(d), 28)], want)
		}
		if got, want := int(binary.BigEndian.Uint32(d[24:])), len(c.ms)+i+1; got != want {
			t.Fatalf("packet %d: sequence number %d, want %d", i, got, want)
		}
		if bytes.Contains(d, c.packet[:32]) {
			t.Fatalf("packet %d: the inner packet is in the clear", i)
		}
	}
}

// TestIPTFSAggregates: 64-octet packets share outer packets of 1500 octets, 22 and a half in each.
func TestIPTFSAggregates(t *testing.T) {
	c := build(t, "iptfs", 64).(*ipTFS)
	n := c.out()
	if c.room != 1442 { // 1500 less outer header 20, ESP 8, IV 8, ICV 16, trailer 2, AGGFRAG header 4
		t.Errorf("room for %d octets of inner packets, want 1442", c.room)
	}
	if want := n * 64 / 1442; len(c.outer) != want {
		t.Errorf("%d packets left in %d outer packets, want %d", n, len(c.outer), want)
	}
	if err := c.carry(); err != nil { // checks the size of each
		t.Error(err)
	}
	c.in()
	if err := c.check(); err != nil {
		t.Error(err)
	}
}

// TestLoopCountsTraffic: the counters of both lcores agree that every packet was sealed, opened and delivered.
func TestLoopCountsTraffic(t *testing.T) {
	for name, aggregated := range map[string]bool{"loop.tunnel": false, "loop.aggregate": true} {
		c := build(t, name, 64).(*loop)
		n := uint64(len(c.ms))
		c.out()
		c.in()
		if left, right := c.left.drops(), c.right.drops(); len(left)+len(right) != 0 { // publishes the counters, too
			t.Errorf("%s: drops %v and %v", name, left, right)
		}
		left, right := c.left.plane.Total(), c.right.plane.Total()
		if left.InsideRx != n || right.InsideTx != n || left.Sealed != right.Opened || right.Opened == 0 {
			t.Errorf("%s: %d in, %d sealed, %d opened, %d out, of %d", name, left.InsideRx, left.Sealed, right.Opened, right.InsideTx, n)
		}
		if aggregated != (right.Opened < n) {
			t.Errorf("%s: %d packets in %d ESP packets", name, n, right.Opened)
		}
		if err := c.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamageIsFound plants one flipped bit on the way and expects the pass to fail: a benchmark that does not look would
// measure anything.
func TestDamageIsFound(t *testing.T) {
	for name, victim := range map[string]func(c circuit) []byte{
		"aead.bare": func(c circuit) []byte { return c.(*bare).texts[3] },
		"aead.std":  func(c circuit) []byte { return c.(*engine).ms[3].Data() },
		"esp":       func(c circuit) []byte { return c.(*plainESP).ms[3].Data() },
		"iptfs":     func(c circuit) []byte { return c.(*ipTFS).outer[3].Data() },
	} {
		c := build(t, name, 64)
		onePass(t, c)
		c.out()
		if err := c.carry(); err != nil {
			t.Fatal(err)
		}
		victim(c)[40] ^= 0x10
		c.in()
		if err := c.check(); !errors.Is(err, errLost) && !errors.Is(err, errChanged) {
			t.Errorf("%s: one bit flipped on the way: %v", name, err)
		}
	}
}

// TestLossIsFound: a worker that does not deliver is noticed. Here the second one is never stepped.
func TestLossIsFound(t *testing.T) {
	for _, name := range []string{"loop.tunnel", "loop.aggregate"} {
		c := build(t, name, 64)
		c.out()
		if err := c.check(); !errors.Is(err, errLost) {
			t.Errorf("%s: nothing came through: %v, want %v", name, err, errLost)
		}
	}
}
