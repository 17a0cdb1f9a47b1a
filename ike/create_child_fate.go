package ike

import (
	"errors"
	"slices"
	"strings"
	"time"

	"stillwater/ike/wire"
)

// childRetry is how long this end waits before it asks again for a Child SA that is to be up and was refused.
const childRetry = time.Minute

// How long this end bears TEMPORARY_FAILURE, and how it spreads its attempts over that time (RFC 7296 2.25).
const (
	patience     = 4 * time.Minute
	backoffFirst = 2 * time.Second
	backoffMost  = 40 * time.Second
)

// initiateChild asks for a Child SA of that configuration, unless there is one that will do or one is being asked for.
func (s *ikeSA) initiateChild(now int64, c *Child, t *Trigger) {
	asked := slices.ContainsFunc(s.asked, func(x *createTask) bool { return x.child == c && !x.o.resource })
	there := slices.ContainsFunc(s.children, func(x *childSA) bool { return x.bundle.child == c && x.live() && x.bundle.carries(t) })
	if !asked && !there {
		s.create(now, c, childOptions{trigger: t})
	}
}

// carries says that the packet fits the negotiated selectors. No packet in particular fits any.
func (b *bundle) carries(t *Trigger) bool {
	if t == nil {
		return true
	}
	l, r := t.particular()
	return covered([]wire.Selector{l}, b.local) && covered([]wire.Selector{r}, b.remote)
}

// forgetAsked ends a wish for a Child SA.
func (s *ikeSA) forgetAsked(t *createTask) {
	i := slices.Index(s.asked, t)
	if i < 0 {
		return
	}
	s.asked = slices.Delete(s.asked, i, i+1)
	if b := t.o.bundle; b != nil {
		b.holds--
		b.sa.release(b)
	}
}

// createFailed decides what becomes of the wish for a Child SA that was not granted.
func (s *ikeSA) createFailed(now int64, t *createTask, err error) {
	var no *childRefusal
	if errors.As(err, &no) {
		switch no.notify.Notify {
		case wire.TemporaryFailure:
			if when, ok := s.backOff(now); ok {
				s.later(when, t)
				return
			}
		case wire.TSMaxQueue:
			// RSC-003: no more of them until one is deleted; neither the IKE SA nor the other SAs are touched.
			if t.o.bundle != nil {
				t.o.bundle.full = true
			}
		}
	}
	s.childFailed(now, wire.ExchangeCreateChildSA, err)
	retry := !errors.Is(err, errUnusable) && !t.o.resource && s.conn.Start == StartNow
	if retry && s.state == stateEstablished {
		s.later(now+int64(childRetry)-s.e.uniform(int64(childRetry)/4), t)
		return
	}
	s.forgetAsked(t)
}

// firstFailed is what follows when the Child SA of IKE_AUTH does not come up: the IKE SA does (IKE-101), and where the child is
// to be up it is asked for again.
func (s *ikeSA) firstFailed(now int64, o *childOffer, err error) {
	s.childFailed(now, wire.ExchangeAuth, err)
	if s.conn.Start == StartNow && s.state == stateEstablished {
		t := s.wish(o.child, childOptions{trigger: o.o.trigger})
		s.later(now+int64(childRetry)-s.e.uniform(int64(childRetry)/4), t)
	}
}

// childFailed records why a Child SA did not come up, and ends the IKE SA where the peer says that it has (IKE-102).
func (s *ikeSA) childFailed(now int64, stage wire.ExchangeType, err error) {
	if errors.Is(err, errUnusable) {
		return
	}
	f := Failure{Stage: stage.String(), Reason: err.Error()}
	var no *childRefusal
	var e *negotiationError
	switch {
	case errors.As(err, &no):
		f.Notify, f.FromPeer, f.Key = no.notify.Notify, true, refusalKeys[no.notify.Notify]
	case errors.As(err, &e):
		f.Notify, f.Offered, f.Configured, f.Key = e.Notify, e.Offered, e.Configured, "esp_proposals"
	case errors.Is(err, errSelectors):
		f.Key = "local_ts, remote_ts"
	case errors.Is(err, errMode):
		f.Key = "iptfs"
	}
	s.failed(now, f)
	if no != nil && no.notify.Notify == wire.InvalidSyntax {
		s.close(now, err)
	}
}

// refusalKeys is where to look in the configuration when a peer says this.
var refusalKeys = map[wire.NotifyType]string{
	wire.NoProposalChosen:   "esp_proposals",
	wire.InvalidKEPayload:   "esp_proposals",
	wire.TSUnacceptable:     "local_ts, remote_ts",
	wire.SinglePairRequired: "local_ts, remote_ts",
	wire.TSMaxQueue:         "per_resource_sas",
}

// deny records why the peer did not get its Child SA.
func (s *ikeSA) deny(now int64, m *message, no *denial) {
	stage := wire.ExchangeCreateChildSA
	if m != nil {
		stage = m.exchange
	}
	s.failed(now, Failure{Stage: stage.String(), Notify: no.notify, Offered: no.offered, Configured: no.configured, Key: no.key, Reason: no.reason})
}

// describeChildren is the selectors that this end would take.
func (s *ikeSA) describeChildren() string {
	var all []string
	for _, c := range s.conn.Children {
		all = append(all, describePair(c.Local, c.Remote))
	}
	return strings.Join(all, "; ")
}

// backOff is when to try again after TEMPORARY_FAILURE: later each time, at random moments so that two ends that meet do not
// meet again. ok is false when the peer has said it for minutes: the ends have lost each other, and the IKE SA is closed
// (RFC 7296 2.25, IKE-137).
func (s *ikeSA) backOff(now int64) (when int64, ok bool) {
	if s.refusals == 0 {
		s.refusedSince = now
	}
	if now-s.refusedSince > int64(patience) {
		s.shut(now, "the peer has answered TEMPORARY_FAILURE for minutes")
		return 0, false
	}
	wait := int64(min(backoffFirst<<min(s.refusals, 8), backoffMost))
	s.refusals++
	return now + wait/2 + s.e.uniform(wait), true
}

// granted forgets about earlier refusals.
func (s *ikeSA) granted() { s.refusals = 0 }

// postponed is a task that waits for its time.
type postponed struct {
	when int64
	t    task
}

// later starts a task at that time. It follows the Child SAs to the next IKE SA.
func (s *ikeSA) later(when int64, t task) {
	s.postponed = append(s.postponed, postponed{when, t})
	s.planPostponed()
}

func (s *ikeSA) planPostponed() {
	s.postponedTimer.stop()
	if len(s.postponed) == 0 {
		return
	}
	first := slices.MinFunc(s.postponed, func(a, b postponed) int { return int(min(max(a.when-b.when, -1), 1)) })
	s.postponedTimer = s.at(first.when, s.startPostponed)
}

func (s *ikeSA) startPostponed(now int64) {
	var due []task
	s.postponed = slices.DeleteFunc(s.postponed, func(p postponed) bool {
		if p.when <= now {
			due = append(due, p.t)
		}
		return p.when <= now
	})
	s.planPostponed()
	for _, t := range due {
		s.enqueue(now, t)
	}
}
