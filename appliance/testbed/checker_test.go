package testbed

import (
	"slices"
	"testing"

	"stillwater/pmd/mbuf"
)

// link is a stream with both its ends in the hands of the test.
type link struct {
	*stream
	pool *mbuf.Pool
}

func newLink(t testing.TB, mix *Mix) *link {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "test", N2K: 16, N9K: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return &link{newStream(mix, 1000, 2), pool}
}

// sendOne returns the next packet as it leaves the source.
func (l *link) sendOne() []byte {
	m := l.pool.Get(l.mix.MaxSize)
	defer l.pool.Put(m)
	if !l.make(m) {
		panic("the template does not fit the mbuf")
	}
	return slices.Clone(m.Data())
}

// hop is what a gateway does: TTL one lower, IPv4 checksum from scratch.
func hop(ip []byte) []byte {
	if ip[0]>>4 == 6 {
		ip[7]--
		return ip
	}
	ip[8]--
	ip[10], ip[11] = 0, 0
	sum := onesSum(ip[:20])
	ip[10], ip[11] = byte(^sum>>8), byte(^sum)
	return ip
}

// onesSum is the ones' complement sum of an even number of octets (RFC 1071).
func onesSum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		if sum += uint32(b[i])<<8 | uint32(b[i+1]); sum > 0xffff {
			sum -= 0xffff
		}
	}
	return uint16(sum)
}

// sendTwoHops returns n packets as they arrive when all is well.
func (l *link) sendTwoHops(n int) (out [][]byte) {
	for range n {
		out = append(out, hop(hop(l.sendOne())))
	}
	return out
}

// verdict delivers packets and returns the tally at the end.
func (l *link) verdict(packets [][]byte) Tally {
	for _, p := range packets {
		l.check(p)
	}
	l.publish(true)
	return l.snapshot()
}

// TestCheckerDetects is a positive control for each thing the checker is there to find.
func TestCheckerDetects(t *testing.T) {
	const n = 200
	last := n - 1
	for name, c := range map[string]struct {
		harm func(ps [][]byte) [][]byte
		want Tally // Sent and Octets left out
	}{
		"nothing":            {func(ps [][]byte) [][]byte { return ps }, Tally{Received: n}},
		"one dropped":        {func(ps [][]byte) [][]byte { return slices.Delete(ps, 7, 8) }, Tally{Received: n - 1, Lost: 1}},
		"the last dropped":   {func(ps [][]byte) [][]byte { return ps[:last] }, Tally{Received: n - 1, Lost: 1}},
		"all dropped":        {func([][]byte) [][]byte { return nil }, Tally{Lost: n}},
		"swapped in a flow":  {func(ps [][]byte) [][]byte { ps[3], ps[3+16] = ps[3+16], ps[3]; return ps }, Tally{Received: n, Reordered: 1}},
		"swapped over flows": {func(ps [][]byte) [][]byte { ps[3], ps[4] = ps[4], ps[3]; return ps }, Tally{Received: n}},
		"a bit of data":      {func(ps [][]byte) [][]byte { ps[5][len(ps[5])-1] ^= 1; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"a bit of addresses": {func(ps [][]byte) [][]byte { ps[5][25] ^= 1; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"the counter":        {func(ps [][]byte) [][]byte { ps[4][35] ^= 1; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"the DS field":       {func(ps [][]byte) [][]byte { ps[5][1] ^= 0x40; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"the IPv4 checksum":  {func(ps [][]byte) [][]byte { ps[4][10] ^= 1; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"a hop too few":      {func(ps [][]byte) [][]byte { ps[5][7]++; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"a hop too many":     {func(ps [][]byte) [][]byte { hop(ps[4]); return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"cut":                {func(ps [][]byte) [][]byte { ps[5] = ps[5][:50]; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"empty":              {func(ps [][]byte) [][]byte { ps[5] = nil; return ps }, Tally{Received: n - 1, Corrupt: 1, Lost: 1}},
		"twice":              {func(ps [][]byte) [][]byte { return slices.Insert(ps, 9, slices.Clone(ps[8])) }, Tally{Received: n, Corrupt: 1}},
		"twice, much later":  {func(ps [][]byte) [][]byte { return append(ps, slices.Clone(ps[0])) }, Tally{Received: n, Corrupt: 1}},
		"invented":           {func(ps [][]byte) [][]byte { return append(ps, hop(hop(invented().Packet))) }, Tally{Received: n, Corrupt: 1}},
		"padded by the link": {func(ps [][]byte) [][]byte { ps[4] = append(ps[4], 0, 0, 0); return ps }, Tally{Received: n}},
		"congestion marked":  {func(ps [][]byte) [][]byte { ps[5][1] |= 0x30; return ps }, Tally{Received: n}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, mustMix(t, "100"))
			got := l.verdict(c.harm(l.sendTwoHops(n)))
			octets := got.Octets
			if got.Sent, got.Octets = 0, 0; got != c.want {
				t.Errorf("%+v, expected %+v", got, c.want)
			}
			if octets != 100*got.Received {
				t.Errorf("%d octets in %d packets", octets, got.Received)
			}
		})
	}
}

// invented is a packet of a flow that the source has, with a counter it has not reached.
func invented() Template {
	p := udp4(0, 100)
	p.Packet[35] = 0xee
	return p
}

// TestCheckerReordered counts each packet that a later one of its flow has overtaken.
func TestCheckerReordered(t *testing.T) {
	l := newLink(t, mustMix(t, "100"))
	ps := l.sendTwoHops(16 * 10)
	for flow := range 16 { // the first of each flow arrives last
		first := ps[flow]
		for i := flow; i+16 < len(ps); i += 16 {
			ps[i] = ps[i+16]
		}
		ps[len(ps)-16+flow] = first
	}
	if got := l.verdict(ps); got.Reordered != 16 || got.Lost != 0 || got.Corrupt != 0 {
		t.Errorf("%+v, expected 16 out of order", got)
	}
}

// TestStreamWindow never has more packets on their way than the window allows.
func TestStreamWindow(t *testing.T) {
	l := newLink(t, mustMix(t, "64"))
	l.window = 10
	ps := l.sendTwoHops(10)
	if l.room() != 0 {
		t.Errorf("room for %d, expected none", l.room())
	}
	l.check(ps[0])
	if l.room() != 1 {
		t.Errorf("room for %d, expected 1", l.room())
	}
	ps[1][30] ^= 1
	l.check(ps[1])
	if l.room() != 1 {
		t.Errorf("a changed packet made room: %d", l.room())
	}
}

// sabotagedRx is a receive queue that harms what comes in.
type sabotagedRx struct {
	inner interface{ RxBurst([]*mbuf.Mbuf) int }
	harm  func(ms []*mbuf.Mbuf)
}

func (s *sabotagedRx) RxBurst(ms []*mbuf.Mbuf) int {
	n := s.inner.RxBurst(ms)
	if n > 1 {
		s.harm(ms[:n])
	}
	return n
}

// TestPairDetects shows that harm done to packets behind the appliances reaches the tally of a whole pair.
func TestPairDetects(t *testing.T) {
	for name, c := range map[string]struct {
		harm  func(ms []*mbuf.Mbuf)
		found func(Tally) bool
	}{
		"corrupt": {func(ms []*mbuf.Mbuf) { d := ms[0].Data(); d[len(d)-1] ^= 1 }, func(t Tally) bool { return t.Corrupt > 0 && t.Lost > 0 }},
		"swapped": {func(ms []*mbuf.Mbuf) { slices.Reverse(ms) }, func(t Tally) bool { return t.Reordered > 0 && t.Lost == 0 && t.Corrupt == 0 }},
		"twice":   {func(ms []*mbuf.Mbuf) { copyOver(ms[1], ms[0]) }, func(t Tally) bool { return t.Corrupt > 0 && t.Lost > 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newStepped(t, PairConfig{Mode: "aggregate", Lcores: 1, Mix: mustMix(t, "imix")})
			h := p.Traffic.hosts[1]
			h.rx = &sabotagedRx{h.rx, c.harm}
			if tally := p.carry(300); !c.found(tally) || tally.Clean() {
				t.Errorf("%+v", tally)
			}
		})
	}
}

// copyOver makes to a copy of from.
func copyOver(to, from *mbuf.Mbuf) {
	to.Trim(to.Len())
	copy(to.Append(from.Len()), from.Data())
}
