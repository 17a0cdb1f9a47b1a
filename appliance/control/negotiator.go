package control

import (
	"net/netip"

	"stillwater/ike"
)

// negotiator is what the Core needs of an IKE engine; ike.Engine is the one there is.
type negotiator interface {
	Start(now int64)
	Receive(now int64, d ike.Datagram)
	Tick(now int64)
	Deadline() int64
	Finish(now int64, ticket uint64, result any)
	Acknowledge(now int64, ticket uint64, err error)
	Take(into *ike.Effects)

	Initiate(now int64, connection, child string) error
	Terminate(now int64, connection string) error
	Rekey(now int64, connection string, ikeSA, children bool) error
	Shutdown(now int64)
	Idle() bool
	Snapshot() []ike.SAStatus
	Failures() []ike.Failure

	Acquire(now int64, connection, child string, trigger *ike.Trigger)
	Resource(now int64, b ike.BundleID, lcore int, trigger *ike.Trigger)
	Limit(now int64, spiIn uint32, hard bool)
	Moved(now int64, spiIn uint32, from netip.AddrPort)
	LcoreDead(now int64, lcore int)
	UnknownSPI(now int64, local, remote netip.AddrPort, spi uint32)
}

var _ negotiator = (*ike.Engine)(nil)
