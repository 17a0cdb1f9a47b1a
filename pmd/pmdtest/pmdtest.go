// Package pmdtest is the one conformance suite every poll-mode driver passes: what pmd.Port promises, checked from
// outside. A driver's test gives a Harness, which opens two connected ports and says what the medium between them can do,
// and calls Run.
//
// The suite deliberately knows no driver and asserts no time: a medium that needs a moment, or a clock that has to be
// stepped, hooks in with Harness.Idle.
package pmdtest

import (
	"testing"
	"time"

	"stillwater/pmd"
)

// Caps says what the ports of a Harness and the medium between them can do. A check that needs more is skipped by name.
type Caps uint

// The capabilities.
const (
	// Live: what was sent can be received while both ports are open, again and again. Without it (a file that is written,
	// then replayed) the suite sends everything from a, then receives everything at b, once for each pair of ports.
	Live Caps = 1 << iota
	// Bidirectional: b sends and a receives, too.
	Bidirectional
	// MultiQueue: a port can be opened with several queues, and packets of one flow always arrive on the same one.
	MultiQueue
	// Jumbo: the ports can be opened with an MTU of 9,000 octets.
	Jumbo
	// VLAN: 802.1Q tags travel, in Mbuf.VLAN on both sides.
	VLAN
	// BackPressure: before 4,000 packets of 1,500 octets wait unread, TxBurst takes fewer, and nothing is lost by that.
	BackPressure
	// RxAllocates: received packets come from the receiver's pool, so that an empty pool shows. A port that passes mbufs
	// by pointer does without.
	RxAllocates
	// Shared: others send on the medium, too. Their packets are ignored and receive counters are lower bounds.
	Shared
)

// Harness describes one driver to the suite. The functions must be safe for concurrent use.
type Harness struct {
	// Open opens two connected ports: what a transmits, b receives. It must use the configurations as they are given, and
	// fails the test itself when it cannot. The suite closes both, once each, a first.
	Open func(tb testing.TB, a, b pmd.Config) (pa, pb pmd.Port)
	// Link is what the packets of the ports start with.
	Link pmd.Link
	// Caps is what ports and medium can do.
	Caps Caps
	// Window is how many packets of 1,500 octets the medium holds unread without losing one; 0 stands for 64. The suite
	// keeps no more in flight, except to test BackPressure.
	Window int
	// Now is the clock both ports get, ns; nil: one that advances by a microsecond with every reading.
	Now func() int64
	// Idle is called when packets are in flight and a poll found none: yield, or step a test clock. nil: runtime.Gosched.
	Idle func()

	// patience is how long packets in flight may show no progress before they count as lost, 5 s for 0. A driver that keeps
	// its promises is never measured by it.
	patience time.Duration
}

// has reports whether the harness has all the capabilities of c.
func (h *Harness) has(c Caps) bool { return h.Caps&c == c }

// check is one promise of the driver contract.
type check struct {
	name  string
	needs Caps
	run   func(tb testing.TB, h Harness)
}

// checks is the suite, in the order in which a driver's author wants to see it pass.
var checks = []check{
	{"Info", 0, checkInfo},
	{"EmptyPollReturnsAtOnce", Live, checkEmptyPoll},
	{"BytesExactAtEverySize", 0, checkSizes},
	{"BytesExactJumbo", Jumbo, checkJumbo},
	{"BytesExactBackwards", Live | Bidirectional, checkBackwards},
	{"BurstsOf1To256", Live, checkBursts},
	{"OrderWithinQueue", 0, checkOrder},
	{"Metadata", 0, checkMetadata},
	{"VLAN", VLAN, checkVLAN},
	{"StatsAddUp", 0, checkStats},
	{"OversizeIsCountedNotCut", 0, checkOversize},
	{"RuntIsDeliveredOrCounted", 0, checkRunts},
	{"FullQueueTakesFewer", Live | BackPressure, checkBackPressure},
	{"EmptyPoolRecovers", Live | RxAllocates, checkEmptyPool},
	{"CloseFreesWhatIsInFlight", 0, checkClose},
	{"FlowStaysOnItsQueue", MultiQueue, checkFlows},
	{"QueuesInParallel", Live | MultiQueue, checkParallel},
	{"NoAllocationPerBurst", Live, checkAllocs},
}

// Run checks a driver. Every check is a subtest with ports and pools of its own, and every one of them ends with the
// demand that all mbufs are home.
func Run(t *testing.T, h Harness) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if !h.has(c.needs) {
				t.Skip("SKIP: the harness does not declare " + (c.needs &^ h.Caps).String())
			}
			c.run(t, h)
		})
	}
}

var capNames = []string{"Live", "Bidirectional", "MultiQueue", "Jumbo", "VLAN", "BackPressure", "RxAllocates", "Shared"}

// String names the capabilities, joined by "|".
func (c Caps) String() string {
	s := ""
	for i, name := range capNames {
		if c&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += "|"
		}
		s += name
	}
	return s
}
