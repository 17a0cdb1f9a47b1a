package esp

import (
	"encoding/binary"
	"testing"
	"unsafe"
)

// The hot records are whole cache lines, and what sealing and opening touch lies in the lines their comments say.
func TestRecordsAreCacheLines(t *testing.T) {
	const line = 64
	var o outSA
	var i inSA
	for _, c := range []struct {
		name string
		got  uintptr
		want uintptr
	}{
		{"size of outSA", unsafe.Sizeof(o), 3 * line},
		{"outSA.outer", unsafe.Offsetof(o.outer), line},
		{"outSA.before", unsafe.Offsetof(o.before), 2 * line},
		{"size of OuterHeader", unsafe.Sizeof(o.outer), line},
		{"size of inSA", unsafe.Sizeof(i), 3 * line},
		{"inSA.packets", unsafe.Offsetof(i.packets), line},
		{"inSA.life", unsafe.Offsetof(i.life), 2 * line},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestTablesBeginOnACacheLine(t *testing.T) {
	for _, slots := range []int{1, 2, 5, 100, 171, 172, 1000} {
		out, in := newRecords[outSA](slots), newRecords[inSA](slots)
		if len(out) != slots || len(in) != slots {
			t.Fatalf("%d and %d records, want %d", len(out), len(in), slots)
		}
		for _, at := range []uintptr{uintptr(unsafe.Pointer(&out[0])), uintptr(unsafe.Pointer(&in[0]))} {
			if at%64 != 0 {
				t.Errorf("table of %d begins %d octets into a cache line", slots, at%64)
			}
		}
	}
}

// slowSum is RFC 1071 word by word.
func slowSum(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		w := uint32(b[i]) << 8
		if i+1 < len(b) {
			w |= uint32(b[i+1])
		}
		if s += w; s > 0xffff {
			s -= 0xffff
		}
	}
	return uint16(s)
}

// sameSum holds for two representations of one ones'-complement number: 0 and 0xffff are both zero.
func sameSum(a, b uint16) bool { return a == b || a%0xffff == 0 && b%0xffff == 0 }

func TestSumOctetsOfEveryLength(t *testing.T) {
	ones := make([]byte, 200)
	mixed := make([]byte, 200)
	for i := range ones {
		ones[i] = 0xff // every addition carries
		mixed[i] = byte(i*167 + 13)
	}
	for n := range ones {
		for _, b := range [][]byte{ones[:n], mixed[:n]} {
			if got, want := fold(sumOctets(b, 0)), slowSum(b); !sameSum(got, want) {
				t.Fatalf("%d octets from %#x: %#x, want %#x", n, b[:1], got, want)
			}
		}
	}
}

// UDP-T03: a checksum of 0 would mean that there is none (RFC 8200 8.1).
func TestUDP002_ChecksumZeroIsSentAsOnes(t *testing.T) {
	ip := make([]byte, ipv6Len+udpLen+4)
	ip[8], ip[24] = 0x20, 0x20
	binary.BigEndian.PutUint16(ip[ipv6Len+4:], udpLen+4)
	binary.BigEndian.PutUint16(ip[ipv6Len+udpLen:], udpChecksum6(ip)) // now the sum is ones
	if c := udpChecksum6(ip); c != 0xffff {
		t.Errorf("checksum %#x, want 0xffff", c)
	}
}
