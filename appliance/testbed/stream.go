package testbed

import (
	"sync/atomic"

	"stillwater/pmd/mbuf"
)

// Tally is what a stream's checker counted.
type Tally struct {
	Sent, Received     uint64
	Corrupt, Reordered uint64
	Lost               uint64
	Octets             uint64 // of inner packets received
}

// Add adds other to t.
func (t *Tally) Add(other Tally) {
	t.Sent += other.Sent
	t.Received += other.Received
	t.Corrupt += other.Corrupt
	t.Reordered += other.Reordered
	t.Lost += other.Lost
	t.Octets += other.Octets
}

// Clean reports whether every packet arrived, unchanged and in order.
func (t *Tally) Clean() bool {
	return t.Lost == 0 && t.Corrupt == 0 && t.Reordered == 0 && t.Sent == t.Received
}

// stream is one direction of traffic: it makes the packets of a mix at one host and knows them again at the other. It is
// closed-loop: never more than window packets are on their way, so a slow path slows the source and loses nothing. Owned
// by one goroutine, but for the published tally.
type stream struct {
	mix    *Mix
	window int
	hops   uint8 // gateways on the way, each of which lowers the TTL by one
	next   int
	count  uint64
	flows  []flow
	byKey  map[flowKey]int
	tally  Tally
	copied atomic.Pointer[Tally]
	probe  []byte
}

func newStream(mix *Mix, window int, hops uint8) *stream {
	s := &stream{mix: mix, window: window, hops: hops, flows: make([]flow, mix.Flows), byKey: map[flowKey]int{}, probe: make([]byte, mix.MaxSize)}
	for _, t := range mix.Templates {
		s.byKey[keyOf(t.Packet)] = t.Flow
	}
	return s
}

// room is how many packets may be sent now.
func (s *stream) room() int {
	return s.window - int(s.tally.Sent-s.tally.Received)
}

// make fills m with the next packet.
func (s *stream) make(m *mbuf.Mbuf) bool {
	t := &s.mix.Templates[s.next]
	if !t.fill(m, s.count) {
		return false
	}
	if s.next++; s.next == len(s.mix.Templates) {
		s.next = 0
	}
	s.count++
	probe := s.probe[:m.Len()]
	copy(probe, m.Data())
	mutable(probe)
	s.flows[t.Flow].push(digest(probe))
	s.tally.Sent++
	return true
}

// check takes a packet that arrived. Its data is changed.
func (s *stream) check(ip []byte) {
	n, ok := ipLen(ip)
	if !ok {
		s.tally.Corrupt++
		return
	}
	ip = ip[:n]
	f, known := s.byKey[keyOf(ip)]
	badSum := ip[0]>>4 == 4 && fold(sum(ip[:int(ip[0]&15)*4])) != 0xffff
	ttl := mutable(ip)
	if !known || badSum || ttl != initialTTL-s.hops {
		s.tally.Corrupt++
		return
	}
	unknown, late := s.flows[f].take(digest(ip))
	if unknown {
		s.tally.Corrupt++
		return
	}
	if late {
		s.tally.Reordered++
	}
	s.tally.Received++
	s.tally.Octets += uint64(n)
}

// publish makes the tally visible to others; final counts what never arrived.
func (s *stream) publish(final bool) {
	t := s.tally
	if final {
		for i := range s.flows {
			t.Lost += s.flows[i].missing()
		}
	}
	s.copied.Store(&t)
}

// snapshot returns the tally last published.
func (s *stream) snapshot() Tally {
	if t := s.copied.Load(); t != nil {
		return *t
	}
	return Tally{}
}
