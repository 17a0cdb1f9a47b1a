package ike

import (
	"crypto/sha256"

	"stillwater/ike/wire"
)

// digest identifies a datagram: a retransmission is one that is equal octet by octet (RFC 7296 2.1, IKE-025).
type digest = [sha256.Size]byte

// responder is the peer's exchanges: one at a time, and the last answer kept for retransmissions (IKE-024).
type responder struct {
	next     uint32   // message ID of the request that is expected
	handling *message // the request that is being answered
	request  digest   // of the request that was answered last
	sent     [][]byte // its answer
	asm      assembly
}

// forget drops everything; requests are no longer answered.
func (r *responder) forget() { *r = responder{next: r.next} }

// reply answers the request that is being handled, and keeps the answer.
func (s *ikeSA) reply(now int64, ps ...wire.Payload) {
	m := s.replies.handling
	if s.state == stateClosed {
		return
	}
	if m == nil {
		panic("ike: a request was answered twice")
	}
	s.answerWith(now, s.protect(s.header(m.exchange, m.id, true), ps))
}

// answerWith sends the datagrams of an answer for the first time.
func (s *ikeSA) answerWith(now int64, datagrams [][]byte) {
	r := &s.replies
	m := r.handling
	r.handling, r.request, r.sent, r.asm = nil, m.digest, datagrams, assembly{}
	r.next = m.id + 1
	s.resend(now, m.datagram)
}

// resend sends the last answer to where the request came from (RFC 7296 2.11, IKE-028). A responder never sends it without
// being asked again (HAZ-34).
func (s *ikeSA) resend(now int64, to Datagram) {
	for _, b := range s.replies.sent {
		s.e.send(Datagram{Local: to.Local, Remote: to.Remote, Data: b})
	}
	s.lastSent = now
}

// replyError answers with one notification.
func (s *ikeSA) replyError(now int64, n wire.NotifyType, data ...byte) {
	s.reply(now, notify(n, data))
}

// notify is a notification about the IKE SA or about what is in the same message: no protocol, no SPI (RFC 7296 3.10).
func notify(n wire.NotifyType, data []byte) wire.Notify { return wire.Notify{Notify: n, Data: data} }
