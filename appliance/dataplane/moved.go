package dataplane

import (
	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// peer is where the packets of an inbound SA come from, as far as control knows.
type peer struct {
	addr Addr
	port uint16
	next int64 // when a change may be told again
}

// arrival returns what takes the opened packets of an inbound SA: the unframe function itself, or watchPeer in front of it
// where the peer may move: in UDP, where a NAT decides about address and port, and with a replay window, without which an
// attacker could move the SA with a copy (RFC 7296 2.23).
func (s *SA) arrival(unframe arrivalFunc) arrivalFunc {
	if s.Encap == esp.EncapUDP && s.ReplayWindow >= 0 {
		return watchPeer
	}
	return unframe
}

// arrivalFunc takes a run of opened packets of one SA.
type arrivalFunc func(w *Worker, slot uint32, run mbuf.Burst)

// watchPeer looks at the source of the last packet of a run, once a run: who has moved sends more than one.
func watchPeer(w *Worker, slot uint32, run mbuf.Burst) {
	sa, m := &w.in[slot], run[len(run)-1]
	if src, _, ok := outerAddrs(m); ok && m.SrcPort != 0 && (m.SrcPort != sa.peer.port || src != sa.peer.addr) {
		w.moved(slot, sa, src, m)
	}
	sa.unframe(w, slot, run)
}

// moved tells control that the peer of an inbound SA sends from elsewhere. Only the newest packet counts: an older one may
// have been held back by somebody who wants the SA moved. What was told is what the next change is measured by.
func (w *Worker) moved(slot uint32, sa *inSA, src Addr, m *mbuf.Mbuf) {
	if w.now < sa.peer.next || m.Seq != w.inbound.Newest(slot) {
		return
	}
	if w.events.Push(Event{
		Kind: EventMoved, Lcore: uint8(w.id), Inbound: true, Slot: slot, Child: sa.child, SPI: sa.spi, Seq: m.Seq, Flow: outerFlow(m), Time: w.now,
	}) {
		sa.peer = peer{src, m.SrcPort, w.now + movedEvery}
	}
}
