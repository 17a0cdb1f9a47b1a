package iptfs

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"stillwater/pmd/mbuf"
)

// reasmPath is a Framer and a Reassembler with a network between them that loses, repeats and delays payloads.
type reasmPath struct {
	*reasmRig
	f    *Framer
	sent [][]byte
	seq  uint64
	road []reasmEvent // payloads on their way
}

func newReasmPath(t testing.TB, payload int, fixed, immediate bool) *reasmPath {
	t.Helper()
	f, err := NewFramer(FramerConfig{PayloadSize: payload, Fixed: fixed, QueuePackets: 64, QueueOctets: 40000})
	if err != nil {
		t.Fatal(err)
	}
	p := &reasmPath{f: f, reasmRig: newReasmRig(t, ReassemblerConfig{Window: 4, LostTimer: 1000, Immediate: immediate})}
	t.Cleanup(func() { f.Close(p.pool) }) // runs before the rig's, which closes the pool
	return p
}

// offer gives the Framer a packet and remembers it if it was taken.
func (p *reasmPath) offer(packet []byte) {
	m := p.pool.Get(len(packet))
	if m == nil {
		p.Fatal("pool empty")
	}
	copy(m.Append(len(packet)), packet)
	if p.f.Offer(mbuf.Burst{m}, p.now) == 1 {
		p.sent = append(p.sent, packet)
		return
	}
	p.pool.Put(m)
}

// emit puts the Framer's next payloads on the road.
func (p *reasmPath) emit(n int) {
	out := make(mbuf.Burst, n)
	for _, m := range out[:p.f.Emit(out, p.pool, p.now)] {
		p.seq++
		p.road = append(p.road, reasmEvent{seq: p.seq, nextHeader: m.NextHeader, data: bytes.Clone(m.Data())})
		p.pool.Put(m)
	}
}

// arrive takes payload i off the road to the Reassembler.
func (p *reasmPath) arrive(i int) [][]byte {
	e := p.road[i]
	p.road = append(p.road[:i:i], p.road[i+1:]...)
	return p.recvAs(e.seq, e.nextHeader, e.data)
}

// TestTFST24RoundTrip sends random packets through random sizes, aggregating and fixed, without loss but with payloads
// that overtake each other inside the window: all arrive, in order in that mode.
func TestTFST24RoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 241))
	for i := range 100 {
		p := newReasmPath(t, 100+rng.IntN(1900), i%2 == 0, i%4 > 1)
		var got [][]byte
		for k := range 60 {
			p.offer(reasmV4(20+rng.IntN(4000), k))
			p.emit(1 + rng.IntN(4))
			for len(p.road) > 4 { // one payload overtakes up to four, and no other does before those are in
				first := rng.IntN(5)
				for range first + 1 {
					got = append(got, p.arrive(first)...)
					first = 0
				}
			}
		}
		for _, octets := p.f.Waiting(); octets > 0; _, octets = p.f.Waiting() {
			p.emit(1)
		}
		for len(p.road) > 0 {
			got = append(got, p.arrive(0)...)
		}
		if i%4 > 1 {
			got, p.sent = reasmSorted(got), reasmSorted(p.sent)
		}
		p.expect(got, p.sent...)
		if c := p.r.Counters(); c.Missed != 0 || c.Incomplete != 0 || c.Errored != 0 || c.Late != 0 {
			t.Fatalf("run %d: counters %+v of a path without loss", i, c)
		}
	}
}

// FuzzFramerReassembler drives both ends by a script: packets offered, payloads sent, lost, repeated and overtaken.
// Whatever happens on the way, every packet that comes out went in, none twice, in order; and with nothing lost all do.
func FuzzFramerReassembler(f *testing.F) {
	f.Add(uint16(200), false, []byte{0, 60, 0, 200, 1, 3, 2, 0, 2, 0, 2, 0})
	f.Add(uint16(1446), true, []byte{0, 255, 0, 255, 1, 7, 2, 1, 3, 0, 4, 0, 2, 0})
	f.Add(uint16(100), true, []byte{0, 9, 1, 9, 4, 2, 2, 2, 5, 0, 2, 0, 0, 1, 1, 1})
	f.Fuzz(func(t *testing.T, payload uint16, fixed bool, script []byte) {
		p := newReasmPath(t, 100+int(payload)%1900, fixed, false)
		script = script[:min(len(script), 200)]
		var got [][]byte
		lossless := true
		for k := 0; k+1 < len(script) && p.seq < 100; k += 2 {
			op, arg := script[k]%6, int(script[k+1])
			switch {
			case op == 0:
				p.offer(reasmV6(40+arg*40, k))
			case op == 1:
				p.emit(1 + arg%4)
			case len(p.road) == 0:
			case op == 2:
				got = append(got, p.arrive(arg%min(len(p.road), 4))...)
			case op == 3:
				p.lose(arg)
				lossless = false
			case op == 4:
				p.road = append(p.road, p.road[0])
			case op == 5:
				got = append(got, p.expire(p.now+1000)...)
				lossless = false
			}
		}
		for _, octets := p.f.Waiting(); octets > 0; _, octets = p.f.Waiting() {
			p.emit(1)
		}
		for len(p.road) > 0 {
			got = append(got, p.arrive(0)...)
		}
		got = append(got, p.expire(p.now+1000)...)
		p.expectSubsequence(got, p.sent)
		if lossless && p.r.Counters().Missed == 0 && len(got) != len(p.sent) {
			t.Errorf("%d packets, expected all %d", len(got), len(p.sent))
		}
	})
}

// lose loses a payload on the road.
func (p *reasmPath) lose(arg int) {
	i := arg % len(p.road)
	p.road = append(p.road[:i:i], p.road[i+1:]...)
}

// expectSubsequence fails the test unless got is sent with packets left out.
func (g *reasmRig) expectSubsequence(got, sent [][]byte) {
	g.Helper()
	for i, p := range got {
		k := 0
		for k < len(sent) && !bytes.Equal(sent[k], p) {
			k++
		}
		if k == len(sent) {
			g.Fatalf("packet %d of %d octets was not sent, or came twice or out of order", i, len(p))
		}
		sent = sent[k+1:]
	}
}
