package cli

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// sealAll makes the outer packets of an SA from packets, numbered from first.
func sealAll(s *foreignSA, first uint64, size int, packets [][]byte) (outer [][]byte) {
	if s.tunnel {
		for i, p := range packets {
			next := byte(4)
			if p[0]>>4 == 6 {
				next = 41
			}
			outer = append(outer, s.seal(first+uint64(i), next, p))
		}
		return outer
	}
	for i, p := range frame(packets, size) {
		outer = append(outer, s.seal(first+uint64(i), 144, p))
	}
	return outer
}

// TestDecapEveryAlgorithm opens what an independent sender made: every algorithm, both modes, 32 and 64-bit numbers, IPv4
// and IPv6 outside, with and without UDP.
func TestDecapEveryAlgorithm(t *testing.T) {
	r := newRand(t)
	for _, x := range transforms {
		t.Run(x.String(), func(t *testing.T) {
			for variant := range 16 {
				s := newForeign(x, randomOctets(r, 128))
				s.tunnel, s.esn, s.udp = variant&1 != 0, variant&2 != 0, variant&4 != 0
				if variant&8 != 0 {
					s.src, s.dst = outer6[0], outer6[1]
				}
				packets := innerPackets(r, 60, imixSizes...)
				outer := sealAll(s, 1, 1402, packets)
				got, c := newBench(t).decap(formats[variant%len(formats)], s.keys(), recordsOf(outer))
				samePackets(t, s.keys(), got, packets)
				if len(*c.Drops) != 0 || *c.Outer != uint64(len(outer)) {
					t.Errorf("%d outer packets and drops %v, expected %d and none", *c.Outer, *c.Drops, len(outer))
				}
			}
		})
	}
}

// TestDecapESNWrap has the low half of the sequence numbers wrap inside the capture (RFC 4303 A2).
func TestDecapESNWrap(t *testing.T) {
	r := newRand(t)
	for _, tunnel := range []bool{false, true} {
		for _, hi := range []uint32{0, 1, 7, math.MaxUint32 - 1} {
			for _, d := range damages {
				s := newForeign(transforms[r.IntN(len(transforms))], randomOctets(r, 128))
				s.esn, s.hi, s.tunnel = true, hi, tunnel
				outer := sealAll(s, uint64(hi)<<32|0xffffffc0, 300, innerPackets(r, 120, 40, 100, 700))
				outer = d.do(r, outer)
				if lowHalf(s, outer[0]) < 1<<31 {
					s.hi++ // the capture starts behind the wrap
				}
				high := func(low uint32) uint32 {
					if low < 1<<31 {
						return hi + 1
					}
					return hi
				}
				got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
				samePackets(t, d.name, got, expected(t, s, outer, high))
			}
		}
	}
}

// TestDecapTwoDirections has both directions in one capture, once with the SPI that both chose by chance: they differ by
// destination (RFC 4301 4.1).
func TestDecapTwoDirections(t *testing.T) {
	r := newRand(t)
	for _, spi := range []uint32{0x2002, 0x1001} {
		there, back := newForeign(transforms[0], randomOctets(r, 64)), newForeign(transforms[3], randomOctets(r, 64))
		back.src, back.dst, back.spi = there.dst, there.src, spi
		a, b := innerPackets(r, 30, imixSizes...), innerPackets(r, 30, imixSizes...)
		outerA, outerB := sealAll(there, 1, 800, a), sealAll(back, 100, 900, b)
		var mixed [][]byte
		for i := range max(len(outerA), len(outerB)) {
			mixed = append(mixed, outerA[min(i, len(outerA)):min(i+1, len(outerA))]...)
			mixed = append(mixed, outerB[min(i, len(outerB)):min(i+1, len(outerB))]...)
		}
		got, c := newBench(t).decap(rawFormat, there.keys()+back.keys(), recordsOf(mixed))
		if len(*c.Drops) != 0 {
			t.Errorf("SPI %#x: drops %v, expected none", spi, *c.Drops)
		}
		samePackets(t, "there", oneOf(got, a), a)
		samePackets(t, "back", oneOf(got, b), b)
	}
}

// oneOf keeps the packets that are in set.
func oneOf(got, set [][]byte) (out [][]byte) {
	for _, p := range got {
		if slices.ContainsFunc(set, func(q []byte) bool { return string(p) == string(q) }) {
			out = append(out, p)
		}
	}
	return out
}

// TestDecapUDPPorts takes ESP in UDP from any port to 4500, and back to whatever port a NAT made of it (RFC 3948 2.1).
func TestDecapUDPPorts(t *testing.T) {
	r := newRand(t)
	for _, ports := range [][2]uint16{{4500, 4500}, {32456, 4500}, {4500, 61001}} {
		s := newForeign(transforms[0], randomOctets(r, 64))
		s.udp, s.srcPort, s.dstPort = true, ports[0], ports[1]
		packets := innerPackets(r, 20, imixSizes...)
		got, _ := newBench(t).decap(etherFormat, s.keys(), recordsOf(sealAll(s, 1, 1000, packets)))
		samePackets(t, "UDP", got, packets)
	}
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.udp, s.srcPort, s.dstPort, s.extraLines = true, 700, 800, "sport = 700\ndport = 800"
	packets := innerPackets(r, 20, imixSizes...)
	got, _ := newBench(t).decap(etherFormat, s.keys(), recordsOf(sealAll(s, 1, 1000, packets)))
	samePackets(t, "configured ports", got, packets)
}

// TestDecapOtherTraffic leaves out what is not ESP: ARP, IKE with its marker, keepalives, plain UDP.
func TestDecapOtherTraffic(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.udp = true
	packets := innerPackets(r, 20, imixSizes...)
	datagram := func(port uint16, body ...byte) []byte {
		u := binary.BigEndian.AppendUint16([]byte{0x11, 0x94}, port)
		u = binary.BigEndian.AppendUint16(u, uint16(8+len(body)))
		return ip4(s.src, s.dst, 17, append(append(u, 0, 0), body...))
	}
	others := [][]byte{
		datagram(4500, append(make([]byte, 4), randomOctets(r, 60)...)...), // RFC 3948 2.2: the non-ESP marker
		datagram(4500, 0xff), // RFC 3948 2.3
		datagram(53, randomOctets(r, 30)...),
		ip4(s.src, s.dst, 1, randomOctets(r, 30)),
	}
	var mixed [][]byte
	for i, o := range sealAll(s, 1, 1000, packets) {
		mixed = append(mixed, others[i%len(others)], o)
	}
	got, c := newBench(t).decap(rawFormat, s.keys(), recordsOf(mixed))
	samePackets(t, "among others", got, packets)
	if *c.Outer != uint64(len(mixed)/2) || len(*c.Drops) != 0 {
		t.Errorf("%d ESP packets and drops %v, expected %d and none", *c.Outer, *c.Drops, len(mixed)/2)
	}
}

// TestDecapDamagedPackets drops what was changed on the way, by name, wherever in the capture it stands, and nothing else.
func TestDecapDamagedPackets(t *testing.T) {
	r := newRand(t)
	for at := range 12 {
		s := newForeign(transforms[0], randomOctets(r, 64))
		outer := sealAll(s, 1, 300, innerPackets(r, 40, 40, 200, 700))
		at = at * at % len(outer)
		want := expected(t, s, slices.Delete(slices.Clone(outer), at, at+1), noHigh)
		outer[at] = slices.Clone(outer[at])
		outer[at][20+4+r.IntN(len(outer[at])-24)] ^= 1 << r.IntN(8) // not the SPI: then it is another SA's
		got, c := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
		samePackets(t, "around the damage", got, want)
		if total(*c.Drops) < 1 {
			t.Errorf("damage at %d: drops %v, expected one", at, *c.Drops)
		}
	}
}

// TestDecapForgedFirst is a packet with an absurd sequence number in front of the real ones: nothing in it is true, so it
// must not decide where the numbers start.
func TestDecapForgedFirst(t *testing.T) {
	r := newRand(t)
	for _, forged := range []uint32{math.MaxUint32, 1 << 31, 70000, 0} {
		for _, esn := range []bool{false, true} {
			s := newForeign(transforms[0], randomOctets(r, 64))
			s.esn = esn
			packets := innerPackets(r, 40, 40, 200, 700)
			outer := sealAll(s, 1, 300, packets)
			first := slices.Clone(outer[0])
			binary.BigEndian.PutUint32(first[24:], forged)
			got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(slices.Insert(outer, 0, first)))
			samePackets(t, "behind a forged packet", got, packets)
		}
	}
}

func total(drops map[string]uint64) (n uint64) {
	for _, d := range drops {
		n += d
	}
	return n
}

// TestDecapTruncatedRecords counts packets that the capture's snapshot length has cut, and goes on.
func TestDecapTruncatedRecords(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.tunnel = true
	packets := innerPackets(r, 10, 400)
	b := newBench(t)
	b.write(b.in, snapped(recordsOf(sealAll(s, 1, 0, packets)), 3))
	b.write(b.keys, []byte(s.keys()))
	o := b.pcap("decap", "-json")
	if o.status != exitOK {
		t.Fatalf("status %d: %s", o.status, o.stderr)
	}
	samePackets(t, "beside a cut record", readRaw(t, b.out), slices.Delete(slices.Clone(packets), 3, 4))
	if c := tallyOf(t, o.stdout); total(*c.Drops) != 1 {
		t.Errorf("drops %v, expected one", *c.Drops)
	}
}

// snapped is a capture in which one record holds the first 100 octets only.
func snapped(rs []record, cut int) []byte {
	whole := classic(binary.LittleEndian, 0xa1b2c3d4, rawLink, rs[:cut+1], bare)
	at := len(whole) - len(rs[cut].data)
	binary.LittleEndian.PutUint32(whole[at-8:], 100)
	whole = whole[:at+100]
	return append(whole, classic(binary.LittleEndian, 0xa1b2c3d4, rawLink, rs[cut+1:], bare)[24:]...)
}

// TestDecapJumbo keeps a whole reorder window of jumbo packets when the first of them is missing.
func TestDecapJumbo(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	for _, size := range []int{8900, 30000} {
		outer := sealAll(s, 1, size, innerPackets(r, 700, 9000))
		outer = slices.Delete(outer, 1, 2)
		got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
		samePackets(t, "jumbo", got, expected(t, s, outer, noHigh))
	}
}

// TestDecapLargeInner puts many large inner packets together at once when a gap in front of a full window is given up.
func TestDecapLargeInner(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.extraLines = "reorder_window = 1024"
	for _, sizes := range [][]int{{9000}, {60000}, {40}, {40, 9000, 65535}} {
		outer := sealAll(s, 1, 1400, innerPackets(r, 1_300_000/slices.Max(sizes)/len(sizes)+1, sizes...))
		outer = slices.Delete(outer, 1, 2)
		got, c := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
		samePackets(t, "large inner packets", got, expected(t, s, outer, noHigh))
		if (*c.Drops)["no_buffer"] != 0 {
			t.Errorf("drops %v", *c.Drops)
		}
	}
}

// TestDecapFarTimes has a gap in a capture whose clock is centuries off: it must end, and no packet is late for that.
func TestDecapFarTimes(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	outer := sealAll(s, 1, 300, innerPackets(r, 40, 40, 200, 700))
	outer = slices.Delete(outer, 5, 6)
	for _, at := range []int64{0, 4_000_000_000_000_000_000, math.MaxUint32 * 1_000_000_000} {
		rs := recordsOf(outer)
		for i := range rs {
			rs[i].at = at
		}
		rs[0].at = 0
		got, _ := newBench(t).decap(formats[6], s.keys(), rs)
		samePackets(t, "far times", got, expected(t, s, outer, noHigh))
	}
}

// TestDecapBeyondPcap refuses times that the output cannot hold instead of looping over them.
func TestDecapBeyondPcap(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	outer := sealAll(s, 1, 300, innerPackets(r, 40, 700))
	rs := recordsOf(slices.Delete(outer, 1, 2))
	for i := range rs {
		rs[i].at = 8_500_000_000_000_000_000 // in the year 2239: pcapng has it, pcap not
	}
	b := newBench(t)
	b.write(b.in, formats[6].encode(rs))
	b.write(b.keys, []byte(s.keys()))
	b.refused(b.pcap("decap"), "time")
	b.nothingLeft()
}

// TestDecapReplayOff delivers duplicates of plain ESP where the key file switches the replay window off.
func TestDecapReplayOff(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.tunnel = true
	outer := sealAll(s, 1, 0, innerPackets(r, 4, 100))
	twice := slices.Concat(outer, outer)
	got, c := newBench(t).decap(rawFormat, s.keys(), recordsOf(twice))
	if len(got) != 4 || (*c.Drops)["replayed"] != 4 {
		t.Errorf("with a window: %d packets and drops %v, expected 4 and 4 replayed", len(got), *c.Drops)
	}
	s.extraLines = "replay_window = 0"
	if got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(twice)); len(got) != 8 {
		t.Errorf("without a window: %d packets, expected 8", len(got))
	}
}

// TestDecapWrongAddress opens packets of an SA whose addresses a NAT has changed on the way to the capture.
func TestDecapWrongAddress(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 20, imixSizes...)
	outer := sealAll(s, 1, 900, packets)
	s.dst = netip.MustParseAddr("203.0.113.9")
	got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
	samePackets(t, "behind a NAT", got, packets)
	keys := strings.NewReplacer("src = \"192.0.2.1\"\n", "", "dst = \"203.0.113.9\"\n", "").Replace(s.keys())
	got, _ = newBench(t).decap(rawFormat, keys, recordsOf(outer))
	samePackets(t, "without addresses", got, packets)
}
