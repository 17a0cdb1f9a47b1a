package dataplane

import "stillwater/crypto/esp"

// EventKind says what an lcore has to tell control.
type EventKind uint8

// The events, and which fields of Event they fill beside Kind, Lcore and Time.
const (
	// EventLimit: an SA reached a soft or hard lifetime. Slot, Inbound, SPI, Limit. Each limit is told once per SA.
	EventLimit EventKind = iota + 1
	// EventDrop: packets met an auditable verdict. Verdict, SPI, Seq, Count; Flow is the outer packet's where the SA or its
	// checks refused it, the clear packet's where policy did. Of SelectorMismatch also Slot and Child, and Flow is the inner
	// packet's, for INVALID_SELECTORS, if Child.Acquire allows it. At most one a millisecond for each verdict.
	EventDrop
	// EventAcquire: policy says PROTECT and there is no SA. Child, and Flow of the packet, whose selectors IKE puts first
	// (RFC 7296 2.9). At most one a millisecond for each 64th of the children.
	EventAcquire
	// EventResource: packets of a child go to another lcore because this one has no SA of its own (RFC 9611 3). Child, Flow.
	// At most ten a second for each 64th of the children.
	EventResource
	// EventMoved: an authentic packet, newer than all others of its SA, came from another address or port (RFC 7296 2.23).
	// Slot, Child, SPI, Seq; Flow is the outer packet's. At most one a second for each SA.
	EventMoved
	// EventMiss: the link address of a next hop is unknown. Port, NextHop. At most ten a second for each next hop.
	EventMiss
	// EventPanic: the lcore ended.
	EventPanic
)

// Event is one message of an lcore to control. A full ring loses all but limits; what was lost does not count against the
// rate of its kind.
type Event struct {
	Kind    EventKind
	Lcore   uint8
	Verdict uint8
	Inbound bool // of Slot and SPI
	Port    uint16
	Slot    uint32
	Child   uint32
	SPI     uint32
	Limit   esp.Event
	Seq     uint64
	Count   uint64
	Time    int64
	NextHop Addr
	Flow    Flow
}
