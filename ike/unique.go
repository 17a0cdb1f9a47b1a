package ike

import (
	"errors"
	"slices"
	"time"
)

var (
	errNotBelieved  = errors.New("the peer does not accept this end's proof of identity")
	errInitialOther = errors.New("the peer says that it has no other IKE SA")
)

// Two IKE SAs that the two ends begin within meetTime have met; the one that goes does so after farewell, so that the other
// can take its traffic.
const (
	meetTime = 10 * time.Second
	farewell = 2 * time.Second
)

// admit applies the policy about a second IKE SA with the same pair of authenticated identities. initial says that the peer
// sent INITIAL_CONTACT (RFC 7296 2.4, IKE-114): it knows of no other, so those end without a word. False: s is refused.
func (s *ikeSA) admit(now int64, initial bool) bool {
	for _, o := range s.twins() {
		switch {
		case initial && !o.meets(s):
			o.quiet = true
			o.close(now, errInitialOther)
		case s.conn.Unique == UniqueNever:
		case o.meets(s):
			s.partWays(now, o)
		case s.conn.Unique == UniqueKeep:
			return false
		default:
			o.retire(now)
		}
	}
	return true
}

// twins is the other established IKE SAs with the same identities on both ends, the oldest first.
func (s *ikeSA) twins() []*ikeSA {
	return slices.DeleteFunc(s.e.sameIdentities(s), func(o *ikeSA) bool { return o.state != stateEstablished })
}

// meets says that both ends began an SA at about the same time. The messages of the two overtake each other, so that what is
// the older one differs from end to end.
func (s *ikeSA) meets(o *ikeSA) bool {
	return s.initiator != o.initiator && s.rekeys == 0 && max(s.created-o.created, o.created-s.created) < int64(meetTime)
}

// partWays lets one of two SAs that have met go: the one with the higher initiator's SPI, which is the same on both ends.
func (s *ikeSA) partWays(now int64, o *ikeSA) {
	if s.spiI > o.spiI {
		s.retire(now)
		return
	}
	o.retire(now)
}

// retire deletes an SA that another one makes needless, a moment later.
func (s *ikeSA) retire(now int64) {
	s.quiet = true
	s.at(now+int64(farewell), func(now int64) { s.shut(now, "another IKE SA with the same peer takes its place") })
}
