package afpacket

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// random returns a generator and logs its seed.
func random(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

var (
	macs   = []byte{0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2}
	addr4  = []byte{192, 0, 2, 1, 198, 51, 100, 2}
	addr6  = []byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\xff\xff\x12\x34\x00\x00\x00\x00\x00\x00\x00\x02")
	option = []byte{1, 1, 1, 0} // IPv4: three no-operations and the end of the list
)

// cat joins parts.
func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// word is one 16-bit number in network order.
func word(v int) []byte { return []byte{byte(v >> 8), byte(v)} }

// ip4 and ip6 are headers over n octets of protocol p; ext is what stands between the fixed header and the segment.
func ip4(p byte, n int, ext []byte) []byte {
	return cat([]byte{byte(0x45 + len(ext)/4), 0}, word(20+len(ext)+n), []byte{0, 0, 0, 0, 64, p, 0, 0}, addr4, ext)
}

func ip6(next byte, n int, ext []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, word(len(ext)+n), []byte{next, 64}, addr6, ext)
}

// pseudo is the pseudo-header of RFC 768 and RFC 8200 8.1 over n octets of protocol p.
func pseudo(addresses []byte, p byte, n int) []byte { return cat(addresses, word(int(p)), word(n)) }

// naiveSum is the ones' complement sum in the plainest form: add octets at their place, fold at every step.
func naiveSum(b []byte) int {
	sum := 0
	for i, c := range b {
		if i%2 == 0 {
			sum += int(c) << 8
		} else {
			sum += int(c)
		}
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return sum
}

// segments are a TCP and a UDP segment over a payload, the checksum field open: the kernel leaves the sum of the
// pseudo-header there.
func openSegment(p byte, addresses, payload []byte) []byte {
	s, field := cat(word(5001), word(443), word(8+len(payload)), word(0), payload), 6
	if p == unix.IPPROTO_TCP {
		s, field = cat(word(5001), word(443), make([]byte, 8), []byte{0x50, 0x18, 0, 9, 0, 0, 0, 0}, payload), 16
	}
	copy(s[field:], word(naiveSum(pseudo(addresses, p, len(s)))))
	return s
}

// The receiver's rule of RFC 1071: the sum over pseudo-header and segment, checksum included, is all ones.
func TestCompleteMakesSegmentsValid(t *testing.T) {
	rng := random(t)
	hops := []byte{unix.IPPROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0}
	for range 200 {
		payload := make([]byte, rng.IntN(1400))
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		for _, p := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			s4, s6 := openSegment(p, addr4, payload), openSegment(p, addr6, payload)
			options := cat(hops, []byte{p, 1, 1, 12}, make([]byte, 12))
			for name, c := range map[string]struct{ header, segment, addresses []byte }{
				"IPv4":                {cat(word(0x0800), ip4(p, len(s4), nil)), s4, addr4},
				"IPv4 with options":   {cat(word(0x0800), ip4(p, len(s4), option)), s4, addr4},
				"IPv6":                {cat(word(0x86dd), ip6(p, len(s6), nil)), s6, addr6},
				"IPv6 with extension": {cat(word(0x86dd), ip6(unix.IPPROTO_HOPOPTS, len(s6), options)), s6, addr6},
				"IPv4 in 802.1Q":      {cat(word(0x8100), word(5), word(0x0800), ip4(p, len(s4), nil)), s4, addr4},
				"IPv6 in two tags":    {cat(word(0x88a8), word(5), word(0x8100), word(6), word(0x86dd), ip6(p, len(s6), nil)), s6, addr6},
			} {
				frame := cat(macs, c.header, c.segment)
				if !complete(frame) {
					t.Fatalf("%s, protocol %d, %d octets: not completed", name, p, len(payload))
				}
				got := frame[len(macs)+len(c.header):]
				if sum := naiveSum(cat(pseudo(c.addresses, p, len(got)), got)); sum != 0xffff {
					t.Fatalf("%s, protocol %d, %d octets: sum is %#x", name, p, len(payload), sum)
				}
			}
		}
	}
}

// RFC 768: a checksum that comes out as zero is sent as all ones, because zero says there is none.
func TestCompleteNeverWritesZero(t *testing.T) {
	s := openSegment(unix.IPPROTO_UDP, addr4, word(0))
	copy(s[8:], word(0xffff-naiveSum(s)))
	frame := cat(macs, word(0x0800), ip4(unix.IPPROTO_UDP, len(s), nil), s)
	if !complete(frame) {
		t.Fatal("not completed")
	}
	if got := binary.BigEndian.Uint16(frame[len(frame)-len(s)+6:]); got != 0xffff {
		t.Errorf("checksum is %#x, expected 0xffff", got)
	}
}

// What has no TCP or UDP checksum field is refused and left as it was.
func TestCompleteRefuses(t *testing.T) {
	udp := openSegment(unix.IPPROTO_UDP, addr4, nil)
	fragment := ip4(unix.IPPROTO_UDP, len(udp), nil)
	fragment[6] = 0x20
	shortIHL := ip4(unix.IPPROTO_UDP, len(udp), nil)
	shortIHL[0] = 0x44
	loop := bytes.Repeat([]byte{unix.IPPROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0}, maxExtensions+1)
	for name, frame := range map[string][]byte{
		"nothing":              nil,
		"addresses only":       macs,
		"ARP":                  cat(macs, word(0x0806), make([]byte, 28)),
		"SCTP":                 cat(macs, word(0x0800), ip4(unix.IPPROTO_SCTP, 20, nil), make([]byte, 20)),
		"fragment":             cat(macs, word(0x0800), fragment, udp),
		"IPv4 header length":   cat(macs, word(0x0800), shortIHL, udp),
		"IPv4 version":         cat(macs, word(0x0800), ip6(unix.IPPROTO_UDP, 8, nil), udp),
		"IPv6 version":         cat(macs, word(0x86dd), ip4(unix.IPPROTO_UDP, 28, nil), make([]byte, 20), udp),
		"UDP cut in the field": cat(macs, word(0x0800), ip4(unix.IPPROTO_UDP, 7, nil), udp[:7]),
		"TCP cut":              cat(macs, word(0x0800), ip4(unix.IPPROTO_TCP, 17, nil), make([]byte, 17)),
		"IPv6 fragment":        cat(macs, word(0x86dd), ip6(unix.IPPROTO_FRAGMENT, 16, nil), []byte{17, 0, 0, 1, 0, 0, 0, 0}, udp),
		"extension too long":   cat(macs, word(0x86dd), ip6(unix.IPPROTO_HOPOPTS, 8, nil), []byte{17, 9, 1, 4, 0, 0, 0, 0}),
		"extension cut":        cat(macs, word(0x86dd), ip6(unix.IPPROTO_HOPOPTS, 1, nil), []byte{17}),
		"too many extensions":  cat(macs, word(0x86dd), ip6(unix.IPPROTO_DSTOPTS, len(loop), loop)),
		"three tags":           cat(macs, word(0x8100), word(1), word(0x8100), word(1), word(0x8100), word(1), word(0x0800), ip4(17, 8, nil), udp),
	} {
		before := bytes.Clone(frame)
		if complete(frame) {
			t.Errorf("%s: completed", name)
		}
		if !bytes.Equal(frame, before) {
			t.Errorf("%s: changed", name)
		}
	}
}

// FuzzComplete: any octets at all; at most two of them change, and only when it says so.
func FuzzComplete(f *testing.F) {
	udp, tcp := openSegment(unix.IPPROTO_UDP, addr4, []byte("x")), openSegment(unix.IPPROTO_TCP, addr6, []byte("xy"))
	f.Add(cat(macs, word(0x0800), ip4(unix.IPPROTO_UDP, len(udp), option), udp))
	f.Add(cat(macs, word(0x8100), word(1), word(0x86dd), ip6(unix.IPPROTO_TCP, len(tcp), nil), tcp))
	f.Add(cat(macs, word(0x86dd), ip6(unix.IPPROTO_HOPOPTS, 8, []byte{6, 0, 1, 4, 0, 0, 0, 0}), tcp))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		done, changed := complete(frame), 0
		for i := range frame {
			if frame[i] != before[i] {
				changed++
			}
		}
		if changed > 2 || changed > 0 && !done {
			t.Fatalf("completed %v, %d octets of %x changed", done, changed, before)
		}
	})
}
