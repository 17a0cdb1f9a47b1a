package hoststack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// newReassembler has more room than the tests need that are not about it.
func newReassembler() *Reassembler { return NewReassembler(64, 1<<20, time.Minute) }

// TestESP018_FragmentsInAnyOrder: many packets at once, both families, every order.
func TestESP018_FragmentsInAnyOrder(t *testing.T) {
	random := newRand(t)
	var want, pieces [][]byte
	for i := range 40 {
		data := octets(random, 900+random.IntN(5000))
		if i%2 == 0 {
			p := packet(b4, a4, 50, data)
			p[4], p[5], p[10], p[11] = byte(i), 9, 0, 0
			binary.BigEndian.PutUint16(p[10:], sum16(p[:20]))
			want, pieces = append(want, p), append(pieces, cut4(p, 56+8*random.IntN(100))...)
		} else {
			p := packet(b6, a6, 17, data)
			want, pieces = append(want, p), append(pieces, cut6(p, uint32(i), 56+8*random.IntN(100))...)
		}
	}
	random.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	r := newReassembler()
	var got [][]byte
	for i, p := range pieces {
		frame := append(slices.Clone(p), "padding"...)
		whole, fragment := r.Add(int64(i), frame)
		if !fragment {
			t.Fatalf("%x is taken for a whole packet", p)
		}
		clear(frame) // it was copied
		if whole != nil {
			got = append(got, whole)
		}
	}
	slices.SortFunc(got, bytes.Compare)
	slices.SortFunc(want, bytes.Compare)
	wantFrames(t, "packets", got, want...)
	wantCounters(t, r, ReassemblyCounters{Fragments: uint64(len(pieces)), Whole: 40})
	if r.octets != 0 || len(r.packets) != 0 || r.byAge.Len() != 0 {
		t.Errorf("%d octets of %d packets are left", r.octets, len(r.packets))
	}
}

func wantCounters(t testing.TB, r *Reassembler, want ReassemblyCounters) {
	t.Helper()
	if got := r.Counters(); got != want {
		t.Errorf("counters %+v, expected %+v", got, want)
	}
}

// TestNotAFragment: whole packets, and what is none, are left alone.
func TestNotAFragment(t *testing.T) {
	r := newReassembler()
	df := packet(b4, a4, 50, make([]byte, 64))
	df[6] = 0x40
	for _, p := range [][]byte{nil, df[:19], df, packet(b6, a6, 50, make([]byte, 64)), make([]byte, 100), cut4(df, 32)[0][:40]} {
		if whole, fragment := r.Add(0, p); whole != nil || fragment {
			t.Errorf("%x is taken for a fragment", p)
		}
	}
	wantCounters(t, r, ReassemblyCounters{})
}

// TestAtomicFragment: an IPv6 fragment that is the whole packet does not mix with others of its number (RFC 6946).
func TestAtomicFragment(t *testing.T) {
	r := newReassembler()
	p := packet(b6, a6, 50, make([]byte, 64))
	r.Add(0, cut6(p, 7, 32)[0])
	whole, fragment := r.Add(0, cut6(p, 7, 64)[0])
	wantFrames(t, fmt.Sprint("atomic fragment ", fragment), [][]byte{whole}, p)
	if len(r.packets) != 1 {
		t.Errorf("%d packets wait, expected the other", len(r.packets))
	}
}

// TestExtensionHeaders: what is in front of the fragment header stays, and its last header names the payload.
func TestExtensionHeaders(t *testing.T) {
	p := packet(b6, a6, 50, octets(newRand(t), 100))
	withOptions := func(f []byte, next byte) []byte {
		f = slices.Concat(f[:40], []byte{60, 0, 1, 4, 0, 0, 0, 0}, []byte{next, 0, 1, 4, 0, 0, 0, 0}, f[40:])
		f[6] = 0
		binary.BigEndian.PutUint16(f[4:], uint16(len(f)-40))
		return f
	}
	r := newReassembler()
	var whole []byte
	for _, f := range cut6(p, 1, 48) {
		whole, _ = r.Add(0, withOptions(f, 44))
	}
	wantFrames(t, "packet", [][]byte{whole}, withOptions(p, 50))
}

// TestHeaderOptions: the options of the first IPv4 fragment are the packet's (RFC 791 3.2).
func TestHeaderOptions(t *testing.T) {
	pieces := cut4(packet(b4, a4, 50, make([]byte, 64)), 32)
	first := slices.Concat(pieces[0][:20], []byte{7, 3, 4, 0}, pieces[0][20:])
	first[0], first[3] = 0x46, byte(len(first))
	r := newReassembler()
	r.Add(0, pieces[1])
	whole, _ := r.Add(0, first)
	if len(whole) != 24+64 || whole[0] != 0x46 || whole[20] != 7 || sum16(whole[:24]) != 0 || binary.BigEndian.Uint16(whole[2:]) != 88 {
		t.Errorf("packet %x", whole)
	}
}

// TestRepeated: a fragment that comes twice changes nothing (RFC 8200 4.5).
func TestRepeated(t *testing.T) {
	r := newReassembler()
	p := packet(b6, a6, 50, octets(newRand(t), 100))
	pieces := cut6(p, 1, 32)
	for _, i := range []int{3, 3, 0, 0, 1, 3, 1} {
		if whole, _ := r.Add(0, pieces[i]); whole != nil {
			t.Fatal("a packet without its third fragment")
		}
	}
	whole, _ := r.Add(0, pieces[2])
	wantFrames(t, "packet", [][]byte{whole}, p)
	wantCounters(t, r, ReassemblyCounters{Fragments: 8, Whole: 1, Repeated: 4})
}

// TestOverlap: RFC 5722 4: whatever overlaps, the whole packet goes, with the fragments that are still to come.
func TestOverlap(t *testing.T) {
	random := newRand(t)
	data := octets(random, 96)
	p := packet(b6, a6, 50, data)
	cut := func(from, to int, more bool, change byte) []byte {
		d := slices.Clone(data[from:to])
		d[0] ^= change
		field := uint16(from)
		if more {
			field |= 1
		}
		h := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{50, 0}, field), 1)
		return packet(b6, a6, 44, append(h, d...))
	}
	for name, bad := range map[string][]byte{
		"other octets":                cut(32, 64, true, 1),
		"shorter in the same place":   cut(32, 56, true, 0),
		"longer in the same place":    cut(32, 72, true, 0),
		"begins within":               cut(40, 72, true, 0),
		"ends within":                 cut(24, 40, true, 0),
		"covers":                      cut(24, 72, true, 0),
		"within":                      cut(40, 48, true, 0),
		"ends the packet there":       cut(32, 64, false, 0),
		"ends the packet before that": cut(8, 32, false, 0),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReassembler()
			r.Add(0, cut(32, 64, true, 0))
			for _, f := range append([][]byte{bad}, cut6(p, 1, 32)...) {
				if whole, fragment := r.Add(0, f); whole != nil || !fragment {
					t.Fatalf("%x became a packet", f)
				}
			}
			wantCounters(t, r, ReassemblyCounters{Fragments: 5, Conflicts: 1})
			if r.octets != 0 || r.Incomplete() != 5 {
				t.Errorf("%d octets are held, %d fragments incomplete, expected 0 and 5", r.octets, r.Incomplete())
			}
			r.Expire(int64(time.Minute))
			var whole []byte
			for _, f := range cut6(p, 1, 32) {
				whole, _ = r.Add(int64(time.Minute), f)
			}
			wantFrames(t, "its number used again", [][]byte{whole}, p)
		})
	}
	for name, order := range map[string][2][]byte{
		"data behind the end": {cut(32, 64, false, 0), cut(64, 96, true, 0)},
		"an end before data":  {cut(64, 96, true, 0), cut(32, 64, false, 0)},
		"two ends":            {cut(64, 96, false, 0), cut(32, 64, false, 0)},
		"a later end":         {cut(32, 64, false, 0), cut(64, 96, false, 0)},
		"no longer the end":   {cut(32, 64, false, 0), cut(32, 64, true, 0)},
	} {
		r := newReassembler()
		r.Add(0, order[0])
		r.Add(0, order[1])
		if n := r.Counters().Conflicts; n != 1 {
			t.Errorf("%s: %d conflicts, expected 1", name, n)
		}
	}
}

// TestImpossibleFragments end at once.
func TestImpossibleFragments(t *testing.T) {
	odd := cut4(packet(b4, a4, 50, make([]byte, 100)), 36)[0]
	beyond := cut4(packet(b4, a4, 50, make([]byte, 100)), 56)[1]
	binary.BigEndian.PutUint16(beyond[6:], 0x1fff)
	empty := cut6(packet(b6, a6, 50, make([]byte, 16)), 1, 8)[1][:48]
	empty[5] = 8
	r := newReassembler()
	for _, f := range [][]byte{odd, beyond, empty} {
		if whole, fragment := r.Add(0, f); whole != nil || !fragment {
			t.Errorf("%x: whole %x, fragment %v", f, whole, fragment)
		}
	}
	wantCounters(t, r, ReassemblyCounters{Fragments: 3, Malformed: 3, Incomplete: 3})
	if len(r.packets) != 0 {
		t.Errorf("%d packets wait", len(r.packets))
	}
}

// TestLongestPacket: 65535 octets of IPv4 become a packet, one more does not.
func TestLongestPacket(t *testing.T) {
	data := octets(newRand(t), 65515)
	for _, header := range []int{20, 24} {
		r := newReassembler()
		var whole []byte
		for _, f := range cut4(packet(b4, a4, 50, data), 1480) {
			if f[6]&0x1f == 0 && f[7] == 0 && header == 24 {
				f = slices.Concat(f[:20], []byte{1, 1, 1, 0}, f[20:])
				f[0] = 0x46
				binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
			}
			whole, _ = r.Add(0, f)
		}
		if header == 20 && len(whole) != 65535 || header == 24 && whole != nil {
			t.Errorf("%d octets with a header of %d", len(whole), header)
		}
	}
}

// TestECNOfFragments: one marked fragment marks the packet; marked and not capable at once is a lie (RFC 3168 5.3).
func TestECNOfFragments(t *testing.T) {
	for first := range byte(4) {
		for second := range byte(4) {
			for family, pieces := range [][][]byte{cut4(packet(b4, a4, 50, make([]byte, 64)), 32), cut6(packet(b6, a6, 50, make([]byte, 64)), 1, 32)} {
				shift := 4 * family
				pieces[0][1] |= first << shift
				pieces[1][1] |= second << shift
				r := newReassembler()
				r.Add(0, pieces[0])
				whole, _ := r.Add(0, pieces[1])
				want := first
				if second == 3 {
					want = 3
				}
				switch lie := first == 3 && second == 0 || first == 0 && second == 3; {
				case lie != (whole == nil):
					t.Errorf("%d and %d: packet %x", first, second, whole)
				case whole != nil && whole[1]>>shift&3 != want:
					t.Errorf("%d and %d: ECN %d, expected %d", first, second, whole[1]>>shift&3, want)
				}
			}
		}
	}
}

// TestCarriesESP: what a whole packet is for: the lcores, or the stack.
func TestCarriesESP(t *testing.T) {
	esp := append([]byte{0, 0, 1, 0}, make([]byte, 40)...)
	ike := make([]byte, 32)
	to := func(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
	for name, c := range map[string]struct {
		ip   []byte
		want bool
	}{
		"ESP":                   {packet(b4, a4, 50, esp), true},
		"ESP in IPv6":           {packet(b6, a6, 50, esp), true},
		"UDP, any source port":  {udpPacket(to(b4, 61000), to(a4, 4500), esp), true},
		"UDP in IPv6":           {udpPacket(to(b6, 4500), to(a6, 4500), esp), true},
		"IKE":                   {udpPacket(to(b4, 4500), to(a4, 4500), ike), false},
		"keepalive":             {udpPacket(to(b4, 4500), to(a4, 4500), []byte{0xff}), false},
		"other port":            {udpPacket(to(b4, 4500), to(a4, 500), esp), false},
		"a fragment":            {cut4(packet(b4, a4, 50, esp), 16)[0], false},
		"nothing":               {nil, false},
		"TCP":                   {packet(b4, a4, 6, esp), false},
		"UDP cut in its header": {packet(b4, a4, 17, esp[:7]), false},
	} {
		if got := CarriesESP(c.ip); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// BenchmarkReassemble puts a packet of 1500 octets with an ESP header in two fragments together.
func BenchmarkReassemble(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := cut4(packet(b4, a4, 50, octets(random, 1520)), 1480)
	r := newReassembler()
	b.ReportAllocs()
	for b.Loop() {
		r.Add(0, pieces[0])
		if whole, _ := r.Add(0, pieces[1]); whole == nil {
			b.Fatal("no packet")
		}
	}
}
