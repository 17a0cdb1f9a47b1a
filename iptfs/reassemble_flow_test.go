package iptfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// reasmAppendixA returns the packets and payloads of RFC 9347 Appendix A: 1,400 octets of data each, BlockOffsets 0,
// 100, 2000 and 600, and padding at the end of the fourth.
func reasmAppendixA() (inner, payloads [][]byte) {
	for i, size := range []int{750, 750, 60, 240, 3000} {
		inner = append(inner, reasmV4(size, i))
	}
	stream := bytes.Join(inner, nil)
	for i, offset := range []int{0, 100, 2000, 600} {
		d := make([]byte, 1400)
		copy(d, stream[min(i*1400, len(stream)):])
		payloads = append(payloads, reasmPayload(offset, d))
	}
	return inner, payloads
}

// TestTFST01AppendixA is the flow of RFC 9347 Appendix A, whole and with each payload lost in turn (TFS-040 to TFS-045).
func TestTFST01AppendixA(t *testing.T) {
	inner, payloads := reasmAppendixA()
	cases := []struct {
		name       string
		lost       int // payload, from 1; 0 for none
		survivors  []int
		missed     uint64
		incomplete uint64
	}{
		{"none lost", 0, []int{0, 1, 2, 3, 4}, 0, 0},
		{"TFS-045 first lost", 1, []int{2, 3, 4}, 1, 0},
		{"TFS-045 second lost", 2, []int{0}, 1, 1},
		{"TFS-045 third lost", 3, []int{0, 1, 2, 3}, 1, 1},
		{"TFS-045 fourth lost", 4, []int{0, 1, 2, 3}, 0, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: DefaultWindow, LostTimer: 1000})
			var got, want [][]byte
			for i, p := range payloads {
				if i+1 != c.lost {
					got = append(got, g.recv(uint64(i+1), p)...)
				}
			}
			got = append(got, g.expire(1000)...)
			for _, i := range c.survivors {
				want = append(want, inner[i])
			}
			g.expect(got, want...)
			if k := g.r.Counters(); k.Missed != c.missed || k.Incomplete != c.incomplete {
				t.Errorf("missed %d, incomplete %d, expected %d and %d", k.Missed, k.Incomplete, c.missed, c.incomplete)
			}
		})
	}
}

// TestTFST01Octets checks the conservation of octets that RFC 9348's counters imply (YNG-061) on the Appendix A flow:
// 5,616 octets of payload are 16 of headers, 4,800 of packets and 800 of padding.
func TestTFST01Octets(t *testing.T) {
	_, payloads := reasmAppendixA()
	g := newReasmRig(t, ReassemblerConfig{})
	g.recvAll(1, payloads...)
	g.recv(5, reasmPayload(0, reasmPad(1400)))
	g.expectCounters(ReassemblerCounters{
		RxPkts: 5, RxOctets: 4800, ExtraPadPkts: 1, ExtraPadOctets: 800, AllPadPkts: 1, AllPadOctets: 1400,
	})
	g.expectDrops(mbuf.AggConsumed, 4)
	g.expectDrops(mbuf.AggAllPad, 1)
}

// TestTFST02ManyPayloads spreads one packet over 2 to 47 payloads; 65,535 octets in payloads of 1,442 are 46.
func TestTFST02ManyPayloads(t *testing.T) {
	for _, c := range []struct{ size, room, payloads int }{
		{1443, 1442, 2}, {4000, 1442, 3}, {14000, 1400, 10}, {65535, 1442, 46}, {65535, 1400, 47},
	} {
		t.Run(fmt.Sprintf("%d in %d", c.size, c.payloads), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{MaxInner: 65535})
			packet := reasmV4(c.size, 1)
			payloads := reasmSplit(c.room, packet)
			if len(payloads) != c.payloads {
				t.Fatalf("%d payloads, expected %d", len(payloads), c.payloads)
			}
			g.expect(g.recvAll(1, payloads...), packet)
		})
	}
}

// TestTFST02Permutations receives the four payloads of one packet in all 24 orders (TFS-066, TFS-067).
func TestTFST02Permutations(t *testing.T) {
	before, packet, after := reasmV4(50, 1), reasmV4(350, 2), reasmV6(50, 3)
	payloads := reasmSplit(120, before, packet, after)
	for _, immediate := range []bool{false, true} {
		for _, order := range reasmOrders(4) {
			t.Run(fmt.Sprintf("TFS-066 %v immediate=%v", order, immediate), func(t *testing.T) {
				g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: reasmSecond, Immediate: immediate})
				var got [][]byte
				for _, i := range order {
					got = append(got, g.recv(uint64(i+1), payloads[i])...)
				}
				if immediate {
					got = reasmSorted(got)
					g.expect(got, reasmSorted([][]byte{before, packet, after})...)
				} else {
					g.expect(got, before, packet, after)
				}
				g.expectCounters(ReassemblerCounters{RxPkts: 3, RxOctets: 450})
			})
		}
	}
}

// reasmOrders returns all orders of the numbers below n.
func reasmOrders(n int) (orders [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, o := range reasmOrders(n - 1) {
		for at := range n {
			next := append(append(append([]int{}, o[:at]...), n-1), o[at:]...)
			orders = append(orders, next)
		}
	}
	return orders
}

// TestTFST21Rekey cuts a packet by a rekey: each SA has its own Reassembler, and the partial packet dies with the old
// SA's lost timer (TFS-053, TFS-075).
func TestTFST21Rekey(t *testing.T) {
	packet, next := reasmV4(200, 1), reasmV4(60, 2)
	old := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000})
	fresh := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000})
	old.expect(old.recv(9, reasmPayload(0, packet[:120])))
	fresh.expect(fresh.recv(1, reasmPayload(80, packet[120:], next)), next)
	fresh.expectIncomplete(0)
	old.expect(old.expire(1000))
	old.expectIncomplete(1)
	if at, armed := old.r.Deadline(); armed {
		t.Errorf("lost timer still armed for %d", at)
	}
}

// TestTFST23Mixed fills payloads with packets of both versions, down to the smallest, up to exact fits (TFS-020 to
// TFS-022, TFS-034, TFS-044).
func TestTFST23Mixed(t *testing.T) {
	smallest := make([][]byte, 72)
	for i := range smallest {
		smallest[i] = reasmV4(20, i)
	}
	udp := [][]byte{reasmV4(29, 1), reasmV6(49, 2), reasmV4(29, 3)}
	exact := reasmV4(1442, 1)
	cases := []struct {
		name     string
		payloads [][]byte
		want     [][]byte
	}{
		{"TFS-034 both versions keep their order", [][]byte{reasmPayload(0, udp...)}, udp},
		{"72 packets of 20 octets", [][]byte{reasmPayload(0, smallest...)}, smallest},
		{"exact fit", [][]byte{reasmPayload(0, exact)}, [][]byte{exact}},
		{"exact fit behind a header of sub-type 1", [][]byte{reasmCC(0, exact)}, [][]byte{exact}},
		{"TFS-044 continuation ends with the payload", [][]byte{
			reasmPayload(0, exact[:700]), reasmPayload(742, exact[700:]), reasmPayload(0, udp...),
		}, append([][]byte{exact}, udp...)},
		{"TFS-041 offset past the payload", [][]byte{
			reasmPayload(0, exact[:10]), reasmPayload(1432, exact[10:1000]), reasmPayload(442, exact[1000:], udp[1]),
		}, [][]byte{exact, udp[1]}},
		{"one whole packet between two cut ones", [][]byte{
			reasmPayload(0, exact[:700]), reasmPayload(742, exact[700:], udp[0]), reasmPayload(0, udp[1][:20]), reasmPayload(29, udp[1][20:]),
		}, [][]byte{exact, udp[0], udp[1]}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recvAll(1, c.payloads...), c.want...)
			g.expectIncomplete(0)
		})
	}
}

// TestTFST25OneOfThree drops one inner packet of three, as a selector check does, and finds the others untouched: each is
// a buffer of its own (TFS-077).
func TestTFST25OneOfThree(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{})
	inner := [][]byte{reasmV4(100, 1), reasmV4(100, 2), reasmV4(100, 3)}
	g.r.Receive(g.mbuf(1, NextHeader, reasmPayload(0, inner...)), g.pool, 0)
	out := make(mbuf.Burst, 4)
	if n := g.r.Drain(out, g.pool, 0); n != 3 {
		t.Fatalf("%d packets, expected 3", n)
	}
	clear(out[1].Room())
	g.pool.Put(out[1].Reject(mbuf.SelectorMismatch))
	for _, i := range []int{0, 2} {
		if !bytes.Equal(out[i].Data(), inner[i]) {
			t.Errorf("packet %d changed with its neighbour", i)
		}
		g.pool.Put(out[i])
	}
}

// TestTFS059SizeChanges lets the sender change its size with every payload (TFS-059).
func TestTFS059SizeChanges(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	packet := reasmV6(9000, 1)
	seq, at := uint64(0), 0
	for _, room := range []int{1, 1442, 4, 8000, 2} {
		seq++
		offset := len(packet) - at
		if at == 0 {
			offset = 0
		}
		end := min(at+room, len(packet))
		got := g.recv(seq, reasmPayload(offset, packet[at:end]))
		if at = end; at < len(packet) {
			g.expect(got)
		} else {
			g.expect(got, packet)
			break
		}
	}
	g.expectCounters(ReassemblerCounters{RxPkts: 1, RxOctets: 9000})
}

// TestTFS021Length checks that an IPv4 packet gets the octets of its Total Length and an IPv6 one 40 more than its
// Payload Length, read from the wire and not from the builders above.
func TestTFS021Length(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{})
	four := reasmV4(33, 1)
	six := reasmV6(45, 2)
	if binary.BigEndian.Uint16(four[2:]) != 33 || binary.BigEndian.Uint16(six[4:]) != 5 {
		t.Fatal("builders write other lengths than the test expects")
	}
	g.expect(g.recv(1, reasmPayload(0, four, six, four)), four, six, four)
}
