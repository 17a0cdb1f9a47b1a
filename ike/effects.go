package ike

import (
	"net/netip"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// Datagram is one IKE message on its way; on port 4500 the non-ESP marker is the transport's business, not in Data.
type Datagram struct {
	Local, Remote netip.AddrPort
	Data          []byte
	// Keepalive stands for a NAT keepalive (RFC 3948 2.3): one octet 0xFF without marker; Data is nil then.
	Keepalive bool
}

// BundleID names a bundle: the Child SAs of one peer that have the same selectors, that is the fallback SA, the per-resource
// SAs beside it (RFC 9611) and whatever replaces them at rekeys. It lives as long as any of them, over rekeys of the IKE SA
// too, so it is what routes and policy refer to.
type BundleID uint32

// OperationKind says what the data plane has to do.
type OperationKind uint8

// The operations. Each is acknowledged with its ticket by Engine.Acknowledge.
const (
	// OpenBundle announces a bundle: negotiated selectors, outer addresses, mode. It comes before its first SA.
	OpenBundle OperationKind = iota + 1
	// AddInbound installs the inbound half of an SA pair on its lcore; from the acknowledgement on packets are received.
	AddInbound
	// AddOutbound installs the outbound half; from the acknowledgement on its lcore seals with it, instead of with what the
	// bundle had on that lcore before. The pair named by Replaces keeps its outbound SA until RemoveOutbound.
	AddOutbound
	// RemoveOutbound takes the outbound half away once nothing refers to it; packets in its framer leave first.
	RemoveOutbound
	// RemoveInbound takes the inbound half away. The SPI is free again after the acknowledgement.
	RemoveInbound
	// MoveBundle changes outer addresses, ports and encapsulation of every outbound SA of a bundle in one step.
	MoveBundle
	// CloseBundle withdraws a bundle that has no SA any more.
	CloseBundle
)

// Operation is one request to the data plane.
type Operation struct {
	Kind       OperationKind
	Ticket     uint64
	Bundle     BundleID
	Connection *Connection
	Child      *Child
	Pair       *Pair           // AddInbound, AddOutbound: with keys; Remove*: SPIs and lcore only
	Replaces   uint32          // AddOutbound: inbound SPI of the pair whose place it takes, 0: none
	Outer      Outer           // OpenBundle, MoveBundle
	Local      []wire.Selector // OpenBundle: negotiated selectors of this side
	Remote     []wire.Selector // of the peer's
	Mode       Mode            // OpenBundle: as negotiated
}

// Outer is where a bundle's ESP packets go. UDP says that they travel in UDP between the ports (RFC 3948).
type Outer struct {
	Local, Remote netip.AddrPort
	UDP           bool
	// BehindNAT says that this end is behind a NAT and sends keepalives; PeerBehindNAT that the peer's address may change.
	BehindNAT, PeerBehindNAT bool
}

// Pair is one Child SA: an inbound and an outbound SA on one lcore. SPIIn identifies it within the appliance.
type Pair struct {
	SPIIn, SPIOut       uint32
	Lcore               int
	Suite               suite.ESP
	ESN                 bool
	KeymatIn, KeymatOut []byte // whoever takes the operation wipes the half that it installs
	Fallback            bool   // takes the traffic of lcores without an SA of their own (RFC 9611 4)
	PeerDontFragment    bool   // the peer takes no AGGFRAG fragments (AGG-004)
}

// Job is public-key work: Run is pure, safe on any goroutine, and its result goes to Engine.Finish with the ticket.
type Job struct {
	Ticket uint64
	Run    func() any
}

// EventKind says what happened.
type EventKind uint8

// The events.
const (
	EventEstablished EventKind = iota + 1 // an IKE SA authenticated both ends
	EventChildUp                          // a Child SA carries traffic both ways
	EventRekeyed                          // an IKE SA or Child SA was replaced
	EventChildDown
	EventDown   // an IKE SA is gone
	EventFailed // a negotiation failed: Failure says everything
	EventNote   // something an operator should know: Text
)

// Event is for logs, "show" and tests; nothing depends on it being read.
type Event struct {
	Kind       EventKind
	Time       int64 // ns
	Connection string
	Child      string
	SPIi, SPIr uint64
	SPIIn      uint32
	Bundle     BundleID
	Text       string
	Failure    *Failure
}

// Effects is what an engine wants done. The slices are the caller's after Take.
type Effects struct {
	Datagrams  []Datagram
	Operations []Operation
	Jobs       []Job
	Events     []Event
}

// Failure is the one line that explains why a negotiation failed, from the side that knows.
type Failure struct {
	Time       int64
	Connection string // empty: no connection was chosen
	Remote     netip.AddrPort
	Stage      string          // "IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA", ...
	Notify     wire.NotifyType // sent or received; 0: none
	FromPeer   bool
	Offered    string // what was offered
	Configured string // what is configured
	Key        string // the configuration key to change
	Reason     string
}
