package dataplane

import "stillwater/pmd/mbuf"

// punt gives a packet for the appliance itself to the host stack, as it came from the link.
func (w *Worker) punt(m *mbuf.Mbuf) {
	m.Verdict = mbuf.Punted
	w.puntFrame(m, mbuf.Punted, w.punts.Cap())
}

// puntFragment gives a fragment of ESP or UDP to the reassembler off the lcores, as it came from the link: what ESP is offered
// must be whole (RFC 4303 3.4.1). ESP comes back by the inject ring. Of UDP most are IKE, so they count as what they are for.
func (w *Worker) puntFragment(m *mbuf.Mbuf) {
	m.Verdict = mbuf.OuterFragment
	count := mbuf.Punted
	if m.NextHeader == protoESP {
		w.report(m)
		count = mbuf.OuterFragment
	}
	w.puntFrame(m, count, w.punts.Cap()/2)
}

// puntFrame restores the link header and counts the packet, unless room packets wait already.
func (w *Worker) puntFrame(m *mbuf.Mbuf, count mbuf.Verdict, room int) {
	if m.Prepend(int(m.L3)) == nil || w.punts.Len() >= room || !w.punts.Push(m) {
		w.reject(m, mbuf.RingFull)
		return
	}
	w.count.Verdicts[count]++
}

// ICMP errors are answers of at most so many a second (RFC 1812 4.3.2.8, RFC 4443 2.4 f).
const (
	bounceEvery = 10e6            // ns between two in the long run
	bounceAhead = 9 * int64(10e6) // ns by which they may come too early: bursts of ten
)

// bounce ends a packet that cannot go on in a way its sender should hear of: it is counted under v as every dropped one, and
// some go to control as bare IP packets, to be quoted in an ICMP error. Of TooBig, Aux is the MTU. They leave room in the
// ring for those that want something from the appliance.
func (w *Worker) bounce(m *mbuf.Mbuf, v mbuf.Verdict) {
	if w.bounceAt-w.now > bounceAhead || w.punts.Len() >= w.punts.Cap()/2 {
		w.reject(m, v)
		return
	}
	m.Verdict, m.L3 = v, 0
	if !w.punts.Push(m) {
		w.reject(m, v)
		return
	}
	w.count.Verdicts[v]++
	w.bounceAt = max(w.bounceAt, w.now) + bounceEvery
}
