package iptfs

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// reasmLinux is one row of what the IP-TFS receiver of Linux 7.2.12 did with hand-made payloads, one digit per packet
// sent, and what ours must do. Where they differ, why says by which rule.
type reasmLinux struct {
	name        string
	sent        [][]byte
	payloads    [][]byte // numbered from 1; nil for one that is lost
	linux, ours string
	why         string
}

// TestTFST24LinuxTable compares with the answers a Linux receiver gave.
func TestTFST24LinuxTable(t *testing.T) {
	for _, row := range reasmLinuxTable() {
		t.Run(row.name, func(t *testing.T) {
			if (row.linux != row.ours) != (row.why != "") {
				t.Fatalf("linux %s, ours %s, and the reason is %q", row.linux, row.ours, row.why)
			}
			g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 100})
			var got [][]byte
			for i, p := range row.payloads {
				if p != nil {
					got = append(got, g.recv(uint64(i+1), p)...)
				}
			}
			got = append(got, g.expire(100)...)
			var answered strings.Builder
			for _, p := range row.sent {
				n := len(got)
				got = slices.DeleteFunc(got, func(q []byte) bool { return bytes.Equal(p, q) })
				answered.WriteString(map[int]string{0: "0", 1: "1"}[n-len(got)])
			}
			if answered.String() != row.ours || len(got) != 0 {
				t.Errorf("answered %s and %d packets never sent, expected %s", answered.String(), len(got), row.ours)
			}
		})
	}
}

func reasmLinuxTable() []reasmLinux {
	a, b, c := reasmV4(300, 1), reasmV4(84, 2), reasmV6(104, 3)
	long := reasmV4(9000, 4)
	one, two, three := [][]byte{a}, [][]byte{a, b}, [][]byte{a, b, c}
	bad := reasmV4(60, 5)
	bad[3] = 19
	reserved, strange := reasmPayload(0, a), reasmPayload(0, a)
	reserved[1], strange[0] = 0x80, 2
	cc := func(flags byte, offset int, pieces ...[]byte) []byte {
		p := reasmCC(offset, pieces...)
		p[1] = flags
		return p
	}
	pad := reasmPayload(0, reasmPad(200))
	return []reasmLinux{
		{"01 whole block", one, [][]byte{reasmPayload(0, a)}, "1", "1", ""},
		{"03b padding is not zero", one, [][]byte{reasmPayload(0, a, []byte{0, 0x45, 9, 9})}, "1", "1", ""},
		{"04 fragment", one, [][]byte{reasmPayload(0, a[:100]), reasmPayload(200, a[100:])}, "1", "1", ""},
		{"05 fragment in a tail", three, [][]byte{reasmPayload(0, b, a[:100]), reasmPayload(200, a[100:], c)}, "111", "111", ""},
		{"06 offset past the payload", two,
			[][]byte{reasmPayload(0, a[:100]), reasmPayload(200, a[100:200]), reasmPayload(100, a[200:], b)}, "11", "11", ""},
		{"08 all-pad first", one, [][]byte{pad, reasmPayload(0, a)}, "1", "1", ""},
		{"08b empty first", one, [][]byte{reasmPayload(0), reasmPayload(0, a)}, "1", "1", ""},
		{"09 all-pad between fragments", two, [][]byte{reasmPayload(0, a[:100]), pad, reasmPayload(200, a[100:], b)}, "11", "11", ""},
		{"09b all-pad of sub-type 1 between", two,
			[][]byte{reasmPayload(0, a[:100]), cc(0, 0, reasmPad(9)), reasmPayload(200, a[100:], b)}, "11", "11", ""},
		{"10b continuation in sub-type 1", two, [][]byte{reasmPayload(0, a[:100]), cc(0, 200, a[100:], b)}, "11", "11", ""},
		{"11 flag P", one, [][]byte{cc(flagP, 0, a)}, "0", "1", "RFC 9347 6.1.2: P is no reason to drop"},
		{"11b flag E", one, [][]byte{cc(flagE, 0, a)}, "0", "1", "RFC 9347 6.1.2: E is no reason to drop"},
		{"12 reserved octet", one, [][]byte{reserved}, "0", "1", "RFC 9347 6.1.1: ignored on receipt"},
		{"12b sub-type 2", one, [][]byte{strange}, "0", "0", ""},
		{"13 offset 0 while pending", three,
			[][]byte{reasmPayload(0, a[:100]), reasmPayload(0, b), reasmPayload(200, a[100:], c)}, "101", "011", "RFC 9347 2.2.3: no padding, so a new packet"},
		{"14 offset larger than the rest", two,
			[][]byte{reasmPayload(0, a[:100]), reasmPayload(300, a[100:], reasmPad(100), b)}, "11", "01", "RFC 9347 2.2.3: offset and length must agree"},
		{"14b offset smaller than the rest", two,
			[][]byte{reasmPayload(0, a[:100]), reasmPayload(150, a[100:250]), reasmPayload(0, b)}, "01", "01", ""},
		{"14c orphan continuation", [][]byte{b}, [][]byte{reasmPayload(200, a[100:], b)}, "1", "1", ""},
		{"17 middle fragment lost", three,
			[][]byte{reasmPayload(0, a[:100]), nil, reasmPayload(100, a[200:], b), reasmPayload(0, c)}, "011", "011", ""},
		{"17b one lost, then more", two, [][]byte{nil, reasmPayload(0, a), reasmPayload(0, b)}, "11", "11", ""},
		{"20 over seven payloads", [][]byte{long}, reasmSplit(1400, long), "1", "1", ""},
		{"21 both versions", three, [][]byte{reasmPayload(0, c, a, b)}, "111", "111", ""},
		{"23 whole, then version 5", one, [][]byte{reasmPayload(0, a, []byte{0x55, 1, 2})}, "0", "1", "blocks before the damage are good"},
		{"24 bad length, then whole", two, [][]byte{reasmPayload(0, bad, a), reasmPayload(1, reasmPad(1))}, "00", "00", ""},
	}
}
