package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// survivors returns the inner packets of which no part was in a dropped outer packet.
func (w *way) survivors(found []inner) (whole []inner) {
	for _, in := range found {
		lost := false
		for _, n := range in.parts {
			lost = lost || w.dropped[n]
		}
		if !lost {
			whole = append(whole, in)
		}
	}
	return whole
}

// lossy is a run over a wire that loses and reorders. Which packets must be missing is read off the wire: exactly those
// with a part in a dropped outer packet.
type lossy struct {
	*rig
	out, in *way
	flows   []*flow
	filler  *flow // of pings that fill the reorder windows
	byKey   map[flowKey]*flow
	cut     uint32 // packets cut into fragments so far
}

func newLossy(r *rig) *lossy {
	l := &lossy{rig: r, out: r.ways[toKernel], in: r.ways[fromKernel], flows: newFlows(4, r.setup.largest())}
	l.filler = &flow{src: ourInner[0].Addr().Next(), dst: kernelInner[0].Addr(), id: 1, protocol: protoICMP, sizes: []int{64}}
	l.byKey = flowsByKey(append([]*flow{l.filler}, l.flows...))
	return l
}

// The packets of one batch. A kernel that sends numbers its datagrams from 0 in each.
const (
	batchRequests  = 48
	batchDatagrams = 20
)

// batch sends requests, and has the kernel send datagrams, over the bad wire, and follows all of them around.
//
//  1. requests and datagrams go out; the tap sees all of them
//  2. the wire is good again; pings fill the reorder windows of both ends
//  3. the kernel has answered each request that survived, and nothing else; the tap sees all answers
//  4. what survives of answers and datagrams comes out of the tunnel, in order, and nothing else
func (l *lossy) batch(family int) {
	l.Helper()
	firstOut, firstIn := len(l.out.inners), len(l.in.inners)
	l.tap.impair(l.setup.impair, l.setup.impair)
	var sent [][]byte
	for i := range batchRequests {
		sent = append(sent, l.offer(l.flows[i%len(l.flows)])...)
	}
	to := netip.AddrPortFrom(ourInner[family].Addr().Next().Next(), countPort)
	l.command(fmt.Sprintf("send -dst %s -sizes 64,1400,%d,60 -count %d -burst 10 -gap 2ms", to, l.setup.largest(), batchDatagrams))
	l.await("requests and datagrams on the wire", func() bool {
		return len(l.out.inners)-firstOut >= len(sent) && datagrams(l.in.inners[firstIn:]) >= batchDatagrams
	}, l.seen)
	l.tap.impair(impairment{}, impairment{})
	sent = append(sent, l.fill()...)
	l.carried(sent, l.out.inners[firstOut:])

	expected := l.expect(l.out.survivors(l.out.inners[firstOut:])) + batchDatagrams
	l.await("answers on the wire", func() bool { return len(l.in.inners)-firstIn >= expected }, l.seen)
	l.fromKernel(l.in.inners[firstIn:], to)
	l.delivered(l.in.survivors(l.in.inners[firstIn:]))
}

// seen is how far both directions have come.
func (l *lossy) seen() int { return len(l.out.inners) + len(l.in.inners) }

// offer sends the next request of a flow and returns its packets.
func (l *lossy) offer(f *flow) [][]byte {
	l.Helper()
	l.cut++
	packets := fragment(f.request(), l.setup.innerMTU(), l.cut)
	for _, p := range packets {
		l.await("room on the wire", func() bool { return l.host.send(p) }, l.seen)
	}
	return packets
}

// fill sends pings, each in an outer packet of its own, and has the kernel answer each in one of its own, more than the
// reorder windows hold: what waits behind a hole goes on without a timer, however long the machine takes a core away.
func (l *lossy) fill() (sent [][]byte) {
	l.Helper()
	for i := range 2 * (depth + 1) {
		before := len(l.out.inners)
		p := l.offer(l.filler)
		sent = append(sent, p...)
		l.await("filler on the wire", func() bool { return len(l.out.inners) > before }, l.seen)
		if i > depth { // the kernel waits for nothing any more
			want := canonical(answer(forwarded(p[0])))
			l.await("answer to filler on the wire", func() bool { return last(l.in.inners, want) }, l.seen)
		}
	}
	return sent
}

// last reports whether want is among the latest packets of a way.
func last(found []inner, want string) bool {
	for i := len(found) - 1; i >= 0 && i > len(found)-100; i-- {
		if canonical(found[i].packet) == want {
			return true
		}
	}
	return false
}

// expect notes the answers to the requests that the kernel gets, and returns how many there are.
func (l *lossy) expect(requests []inner) int {
	l.Helper()
	for _, in := range requests {
		a := answer(in.packet)
		p, err := parse(a)
		if err != nil {
			l.Fatal(err)
		}
		f := l.byKey[keyOf(p)]
		f.waiting = append(f.waiting, canonical(forwarded(a)))
	}
	return len(requests)
}

// isDatagram reports whether a packet is one that the kernel sent by itself.
func isDatagram(packet []byte) bool {
	p, err := parse(packet)
	return err == nil && p.protocol == protoUDP && len(p.body) >= 8 && binary.BigEndian.Uint16(p.body[2:]) == countPort
}

// datagrams counts the packets that the kernel sent by itself.
func datagrams(found []inner) (n int) {
	for _, in := range found {
		if isDatagram(in.packet) {
			n++
		}
	}
	return n
}

// fromKernel checks what the kernel has put on the wire: the answers that are waited for, and all of its datagrams.
func (l *lossy) fromKernel(found []inner, to netip.AddrPort) {
	l.Helper()
	n := 0
	for _, in := range found {
		if !isDatagram(in.packet) {
			l.answered(l.byKey, forwarded(in.packet))
			continue
		}
		p, err := parse(in.packet)
		if err != nil {
			l.Fatal(err)
		}
		want := udp(netip.AddrPortFrom(p.src, 40000), to, pattern(uint64(n), len(p.body)-8))
		if canonical(in.packet) != canonical(want) {
			l.Fatalf("datagram %d on the wire: %x, expected %x", n, in.packet, want)
		}
		n++
	}
	for _, f := range l.byKey {
		if len(f.waiting) > 0 {
			l.Fatalf("flow %v: %d answers are missing", f.key(), len(f.waiting))
		}
	}
}

// delivered waits for the packets of want to come out of the tunnel, in their order, and for no other.
func (l *lossy) delivered(want []inner) {
	l.Helper()
	came := 0
	l.await("packets out of the tunnel", func() bool {
		for _, p := range l.inside {
			if came == len(want) || !bytes.Equal(p, forwarded(want[came].packet)) {
				l.Fatalf("packet %d of %d out of the tunnel is %x", came, len(want), p)
			}
			came++
		}
		l.inside = nil
		return came == len(want)
	}, func() int { return came })
}

// impaired reports whether the wire has lost and reordered frames in both directions.
func (l *lossy) impaired() bool {
	for d, w := range l.ways {
		if w.lost() == 0 || l.tap.reordered(direction(d)) == 0 {
			return false
		}
	}
	return true
}

// batches is how many batches a case runs at the least.
const batches = 12

// A wire that loses 2 % of the frames and reorders others, in both directions: exactly the inner packets that had a part in
// a lost outer packet are missing. All others arrive, in order and unchanged, on either side.
func TestLossAndReorder(t *testing.T) {
	bad := impairment{loss: 0.02, reorder: 0.1}
	for _, s := range []setup{
		{name: "aggregate", mode: "aggregate", impair: bad},
		{name: "aggregate, outer packets of 600, ESN, over IPv6", mode: "aggregate", size: 600, esn: true, outer6: true, impair: bad},
		{name: "constant 1500", mode: "constant", esn: true, impair: bad},
		{name: "constant 600", mode: "constant", size: 600, impair: bad},
		{name: "no fragments", mode: "aggregate", whole: true, impair: bad},
	} {
		t.Run(s.name, func(t *testing.T) {
			l := newLossy(start(t, s))
			l.fill() // a receiver takes the first number that arrives for the first that was sent
			l.delivered(l.in.inners)
			for i := 0; i < batches || !l.impaired(); i++ {
				l.batch(i % 2)
			}
			for d, w := range l.ways {
				t.Logf("%s: %d of %d outer packets lost, %d overtaken; %d of %d inner packets missing", w.direction,
					w.lost(), len(w.dropped), l.tap.reordered(direction(d)), len(w.inners)-len(w.survivors(w.inners)), len(w.inners))
			}
			l.finish()
		})
	}
}

// Where nothing follows a lost packet but one, it is a timer that lets that one go on: the kernel's drop time in one
// direction, our lost-packet timer in the other.
func TestLossTimers(t *testing.T) {
	for _, d := range []direction{toKernel, fromKernel} {
		t.Run(d.String(), func(t *testing.T) {
			l := newLossy(start(t, setup{mode: "aggregate", timer: 20 * time.Millisecond}))
			l.fill()
			l.delivered(l.in.inners)
			var i [2]impairment
			i[d].loss = 1
			l.tap.impair(i[toKernel], i[fromKernel])
			w, before, first := l.ways[d], len(l.ways[d].inners), len(l.in.inners)
			l.offer(l.filler)
			l.await("the packet to be lost", func() bool { return len(w.inners) > before }, l.seen)
			l.tap.impair(impairment{}, impairment{})
			want := canonical(answer(forwarded(l.offer(l.filler)[0])))
			l.await("the answer on the wire", func() bool { return last(l.in.inners, want) }, l.seen)
			l.delivered(l.in.survivors(l.in.inners[first:]))
			if w.lost() != 1 {
				t.Errorf("%d outer packets lost, expected 1", w.lost())
			}
			l.finish()
		})
	}
}
