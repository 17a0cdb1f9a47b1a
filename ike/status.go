package ike

import (
	"net/netip"
	"slices"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// SAStatus is one IKE SA as "show" has it; a copy, its receiver's own. Times are those of the engine's clock, ns, 0 for never.
type SAStatus struct {
	Connection          string
	LocalID, RemoteID   string // RemoteID: authenticated, empty before
	SPIi, SPIr          uint64
	Initiator           bool
	State               string
	Suite               suite.IKE
	Outer               Outer
	Created, LastSeen   int64
	RekeyAt             int64
	Rekeys, Retransmits uint64
	Children            []ChildStatus
}

// ChildStatus is one Child SA pair as "show" has it; a copy, its receiver's own.
type ChildStatus struct {
	Name          string
	Bundle        BundleID
	SPIIn, SPIOut uint32
	Lcore         int
	Fallback      bool
	Suite         suite.ESP
	ESN           bool
	Mode          Mode
	Local, Remote []wire.Selector
	State         string
	Created       int64
	RekeyAt       int64
}

// stateNames are the words of "show".
var stateNames = [...]string{
	stateInit: "connecting", stateHalfOpen: "half-open", stateAuth: "authenticating", stateEstablished: "established",
	stateReplaced: "replaced", stateClosing: "closing", stateFailed: "failed", stateClosed: "closed",
}

func (st state) String() string { return stateNames[st] }

// Snapshot is every IKE SA that is more than half-open, the oldest first, but not those that are kept only to answer the
// last request again. The caller owns it.
func (e *Engine) Snapshot() []SAStatus {
	var out []SAStatus
	for _, s := range e.all() {
		if s.buried || s.setup != nil && s.setup.half != (prefix{}) {
			continue
		}
		out = append(out, s.status())
	}
	return out
}

func (s *ikeSA) status() SAStatus {
	st := SAStatus{
		Connection: s.conn.Name, SPIi: s.spiI, SPIr: s.spiR, Initiator: s.initiator, State: s.state.String(), Suite: s.suite,
		Outer: s.outer, Created: s.created, LastSeen: s.lastSeen, RekeyAt: s.rekeyAt, Rekeys: s.rekeys,
		Retransmits: s.retransmits, LocalID: s.conn.Self.ID.String(), Children: s.childStatus(0),
	}
	if s.authenticated {
		st.RemoteID = s.remoteID.String()
	}
	return st
}

// Counters is what an engine has counted since New. A value.
type Counters struct {
	HalfOpen        uint64 // now, not since New
	SAs             uint64 // now: IKE SAs of any state
	Established     uint64
	CookiesSent     uint64
	InitsDropped    uint64 // too many half-open
	InitsRefused    uint64 // no connection or no common suite
	HalfOpenExpired uint64
	Malformed       uint64
	Unexpected      uint64 // not what the SA waits for: message ID, exchange, state
	BadICV          uint64
	BadKE           uint64 // key exchange values that are none
	OtherVersion    uint64
	UnknownSA       uint64
	Repeated        uint64 // requests answered again
	AuthFailed      uint64
	Retransmits     uint64
	Rekeys          uint64
	Panics          uint64
	Failures        uint64
}

// Counters is their state now.
func (e *Engine) Counters() Counters {
	c := e.counters
	c.HalfOpen, c.SAs = uint64(e.halves.all), uint64(len(e.sas))
	return c
}

// Failures remembered: so many in all, so many of one peer, so that one that keeps failing does not hide the others.
const (
	failuresKept    = 64
	failuresPerPeer = 4
)

// failures is the latest of them, the oldest first.
type failures []Failure

// Failures is why the latest negotiations failed, the oldest first. The caller owns it.
func (e *Engine) Failures() []Failure { return slices.Clone(e.losses) }

// fail remembers a failure.
func (e *Engine) fail(now int64, f Failure) {
	f.Time = now
	e.counters.Failures++
	e.losses = append(e.losses.forget(f.Remote.Addr()), f)
}

// forget makes room for one more failure of a peer.
func (fs failures) forget(peer netip.Addr) failures {
	same, oldest := 0, -1
	for i := len(fs) - 1; i >= 0; i-- {
		if fs[i].Remote.Addr() == peer {
			same++
			oldest = i
		}
	}
	switch {
	case same >= failuresPerPeer:
		return slices.Delete(fs, oldest, oldest+1)
	case len(fs) >= failuresKept:
		return slices.Delete(fs, 0, 1)
	}
	return fs
}
