package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// openAll takes the output of encap apart with the independent reader: sequence numbers from first on without a gap.
func openAll(t testing.TB, s *foreignSA, first uint64, outer [][]byte) (out []opened) {
	t.Helper()
	for i, p := range outer {
		want := first + uint64(i)
		o, err := s.open(p, uint32(want>>32))
		if err != nil {
			t.Fatalf("outer packet %d: %v", i, err)
		}
		if o.seq != want {
			t.Fatalf("outer packet %d has sequence number %d, expected %d", i, o.seq, want)
		}
		for k, b := range o.padding {
			if int(b) != k+1 {
				t.Fatalf("outer packet %d: padding %x, expected 1, 2, 3, ... (RFC 4303 2.4)", i, o.padding)
			}
		}
		out = append(out, o)
	}
	return out
}

// contentOf is the inner packets in opened ESP packets, by the rules of the SA's mode.
func contentOf(t testing.TB, s *foreignSA, os []opened) unframed {
	t.Helper()
	if !s.tunnel {
		payloads := map[uint64][]byte{}
		for _, o := range os {
			if o.nextHeader != 144 {
				t.Fatalf("packet %d: next header %d, expected 144", o.seq, o.nextHeader)
			}
			payloads[o.seq] = o.payload
		}
		u, err := unframe(payloads)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	var u unframed
	for _, o := range os {
		if want := map[byte]byte{4: 4, 6: 41}[o.payload[0]>>4]; o.nextHeader != want {
			t.Fatalf("packet %d: next header %d, expected %d", o.seq, o.nextHeader, want)
		}
		u.packets = append(u.packets, o.payload)
	}
	return u
}

// TestEncapEveryAlgorithm reads what encap makes with the independent decoder: every algorithm with an explicit IV, both
// modes, 32 and 64-bit numbers, IPv4 and IPv6 outside, with and without UDP.
func TestEncapEveryAlgorithm(t *testing.T) {
	r := newRand(t)
	for _, x := range transforms {
		if x.implicit {
			continue
		}
		t.Run(x.String(), func(t *testing.T) {
			for variant := range 16 {
				s := newForeign(x, randomOctets(r, 128))
				s.tunnel, s.esn, s.udp = variant&1 != 0, variant&2 != 0, variant&4 != 0
				if variant&8 != 0 {
					s.src, s.dst = outer6[0], outer6[1]
				}
				packets := innerPackets(r, 60, imixSizes...)
				outer, c := newBench(t).encap(formats[variant%len(formats)], s.keys(), recordsOf(packets))
				u := contentOf(t, s, openAll(t, s, 1, outer))
				samePackets(t, s.keys(), u.packets, packets)
				if *c.Outer != uint64(len(outer)) || *c.Inner != uint64(len(packets)) || len(*c.Drops) != 0 {
					t.Errorf("counts %d, %d, %v, expected %d, %d and no drops", *c.Outer, *c.Inner, *c.Drops, len(outer), len(packets))
				}
				if u.runts != 0 {
					t.Errorf("%d runts", u.runts)
				}
			}
		})
	}
}

// TestEncapOuterSize has every outer packet of exactly the size asked for, pads of zeros, and no fragment that starts in
// less than 40 octets.
func TestEncapOuterSize(t *testing.T) {
	r := newRand(t)
	for _, x := range transforms {
		for _, outer := range []int{600, 1280, 1500, 9000} {
			s := newForeign(x, randomOctets(r, 128))
			if s.implicit {
				continue
			}
			s.esn, s.udp = r.IntN(2) == 0, r.IntN(2) == 0
			if r.IntN(2) == 0 {
				s.src, s.dst = outer6[0], outer6[1]
			}
			size := possible(s, outer)
			packets := innerPackets(r, 80, 40, 9000, 100, 1500, 40, 576, 1300)
			got, _ := newBench(t).encap(rawFormat, s.keys(), recordsOf(packets), "-outer-size", fmt.Sprint(size))
			os := openAll(t, s, 1, got)
			for i, o := range os {
				if o.outerLen != size {
					t.Fatalf("%v: outer packet %d has %d octets, expected %d", &s.transform, i, o.outerLen, size)
				}
			}
			u := contentOf(t, s, os)
			samePackets(t, fmt.Sprintf("%v in %d", &s.transform, size), u.packets, packets)
			checkPads(t, u)
			checkTails(t, os)
		}
	}
}

// possible is the largest size up to outer that ESP's alignment allows for the SA (RFC 4303 2.4).
func possible(s *foreignSA, outer int) int {
	overhead := 20 + 8 + s.iv + s.icv
	if s.src.Is6() {
		overhead += 20
	}
	if s.udp {
		overhead += 8
	}
	return overhead + (outer-overhead)/s.block*s.block
}

// checkPads fails for a pad block that is not all zero (RFC 9347 2.2.4) and for runts.
func checkPads(t testing.TB, u unframed) {
	t.Helper()
	for _, p := range u.pads {
		if bytes.Trim(p, "\x00") == nil || len(bytes.Trim(p, "\x00")) == 0 {
			continue
		}
		t.Errorf("pad of %d octets is not zero", len(p))
	}
	if u.runts != 0 {
		t.Errorf("%d runts", u.runts)
	}
}

// checkTails fails where a payload ends in the first octets of a packet, fewer than 40 of them.
func checkTails(t testing.TB, os []opened) {
	t.Helper()
	for _, o := range os {
		offset, data := int(binary.BigEndian.Uint16(o.payload[2:])), o.payload[4:]
		for data = data[min(offset, len(data)):]; len(data) > 0 && data[0]>>4 != 0; {
			n, known := blockLength(data)
			if !known || n > len(data) && len(data) < 40 {
				t.Errorf("packet %d: a fragment starts in the last %d octets", o.seq, len(data))
			}
			data = data[min(max(n, 1), len(data)):]
		}
	}
}

// TestEncapOuterSizeRefused refuses sizes that cannot be, with the nearest one that can.
func TestEncapOuterSizeRefused(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	for _, c := range []struct {
		size, names string
		tunnel      bool
	}{
		{"1501", "1500", false}, {"1499", "1496", false}, {"20", "20", false}, {"-5", "-5", false}, {"70000", "70000", false},
		{"1500", "-outer-size", true},
	} {
		b := newBench(t)
		s.tunnel = c.tunnel
		b.write(b.in, rawFormat.encode(recordsOf(innerPackets(r, 3, 100))))
		b.write(b.keys, []byte(s.keys()))
		b.refused(b.pcap("encap", "-outer-size", c.size), c.names)
		b.nothingLeft()
	}
	s.tunnel, s.extraLines = false, "outer_size = 1000"
	outer, _ := newBench(t).encap(rawFormat, s.keys(), recordsOf(innerPackets(r, 9, 100)))
	for _, p := range outer {
		if len(p) != 1000 {
			t.Errorf("outer packet of %d octets, the key file asks for 1000", len(p))
		}
	}
}

// TestEncapNeverRepeatsIV seals the same input again and again under one key: no IV appears twice (RFC 4106 3.1).
func TestEncapNeverRepeatsIV(t *testing.T) {
	r := newRand(t)
	for _, x := range transforms {
		if x.iv == 0 {
			continue
		}
		s := newForeign(x, randomOctets(r, 128))
		packets := recordsOf(innerPackets(r, 50, imixSizes...))
		seen := map[string]bool{}
		for range 4 {
			outer, _ := newBench(t).encap(rawFormat, s.keys(), packets)
			for _, o := range openAll(t, s, 1, outer) {
				if seen[string(o.iv)] {
					t.Fatalf("%v: IV %x a second time", &s.transform, o.iv)
				}
				seen[string(o.iv)] = true
			}
		}
	}
}

// TestEncapImplicitIVRefused refuses suites whose IV is the sequence number: a second run begins again with 1 under the
// same key (RFC 8750 3).
func TestEncapImplicitIVRefused(t *testing.T) {
	r := newRand(t)
	for _, x := range transforms {
		if !x.implicit {
			continue
		}
		b, s := newBench(t), newForeign(x, randomOctets(r, 64))
		b.write(b.in, rawFormat.encode(recordsOf(innerPackets(r, 3, 100))))
		b.write(b.keys, []byte(s.keys()))
		b.refused(b.pcap("encap"), x.encr, "implicit IV")
		b.nothingLeft()
	}
}

// TestEncapNeedsAddresses refuses an SA that does not say where packets go.
func TestEncapNeedsAddresses(t *testing.T) {
	r := newRand(t)
	b, s := newBench(t), newForeign(transforms[0], randomOctets(r, 64))
	b.write(b.in, rawFormat.encode(recordsOf(innerPackets(r, 3, 100))))
	b.write(b.keys, []byte(strings.ReplaceAll(s.keys(), "dst = ", "# ")))
	b.refused(b.pcap("encap"), "dst", b.keys)
	b.nothingLeft()
}

// TestEncapESNHigh starts behind the high half that the key file names, so that a continued SA goes on where it was.
func TestEncapESNHigh(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	s.esn, s.hi = true, 3
	packets := innerPackets(r, 20, imixSizes...)
	outer, _ := newBench(t).encap(rawFormat, s.keys(), recordsOf(packets))
	u := contentOf(t, s, openAll(t, s, 3<<32, outer))
	samePackets(t, "ESN", u.packets, packets)
	got, _ := newBench(t).decap(rawFormat, s.keys(), recordsOf(outer))
	samePackets(t, "and back", got, packets)
}

// TestEncapTimes aggregates packets that come together and does not hold those that come alone.
func TestEncapTimes(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 40, 60)
	together := recordsOf(packets)
	for i := range together {
		together[i].at = together[0].at
	}
	one, _ := newBench(t).encap(rawFormat, s.keys(), together)
	apart := recordsOf(packets)
	for i := range apart {
		apart[i].at += int64(i) * 1e9
	}
	many, _ := newBench(t).encap(rawFormat, s.keys(), apart)
	if len(one) != 2 || len(many) != len(packets) {
		t.Errorf("%d and %d outer packets, expected 2 (2400 octets at once) and %d (a second apart)", len(one), len(many), len(packets))
	}
	for _, os := range [][][]byte{one, many} {
		samePackets(t, "times", contentOf(t, s, openAll(t, s, 1, os)).packets, packets)
	}
}

// TestEncapLargeInput has more waiting at one instant than any queue holds, jumbo packets among it.
func TestEncapLargeInput(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 3000, 9000, 40, 1400, 60000, 40, 40)
	records := recordsOf(packets)
	for i := range records {
		records[i].at = records[0].at
	}
	for _, more := range [][]string{nil, {"-outer-size", "1500"}, {"-outer-size", "65532"}} {
		outer, _ := newBench(t).encap(rawFormat, s.keys(), records, more...)
		samePackets(t, "large input", contentOf(t, s, openAll(t, s, 1, outer)).packets, packets)
	}
}

// TestEncapOtherFrames leaves out what is not IP, cut packets among it, and says how many.
func TestEncapOtherFrames(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 6, 100, 1400)
	records := recordsOf(packets)
	cut := append([]byte(nil), packets[0][:50]...) // says 100 octets, has 50
	records = append(records, record{records[5].at, cut}, record{records[5].at, []byte{0x20, 1, 2, 3}}, record{records[5].at, nil})
	outer, c := newBench(t).encap(rawFormat, s.keys(), records)
	samePackets(t, "IP only", contentOf(t, s, openAll(t, s, 1, outer)).packets, packets)
	if *c.Inner != 6 {
		t.Errorf("%d inner packets, expected 6", *c.Inner)
	}
}

// TestEncapThenDecap brings packets through both verbs.
func TestEncapThenDecap(t *testing.T) {
	r := newRand(t)
	for _, tunnel := range []bool{false, true} {
		s := newForeign(transforms[9], randomOctets(r, 128))
		s.tunnel, s.esn = tunnel, true
		packets := innerPackets(r, 200, append(imixSizes, 9000)...)
		outer, _ := newBench(t).encap(etherFormat, s.keys(), recordsOf(packets))
		got, _ := newBench(t).decap(etherFormat, s.keys(), recordsOf(outer))
		samePackets(t, "there and back", got, packets)
	}
}
