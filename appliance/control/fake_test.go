package control

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"stillwater/ike"
)

// fake stands in the engine's place. It writes down what it is told.
type fake struct {
	acks     map[uint64][]error
	calls    []string
	results  map[uint64]any
	effects  ike.Effects // handed out by the next Take
	received []ike.Datagram
	deadline int64
	ticks    []int64
}

func newFake() *fake {
	return &fake{acks: map[uint64][]error{}, results: map[uint64]any{}, deadline: math.MaxInt64}
}

func (f *fake) note(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) Start(int64)                               { f.note("start") }
func (f *fake) Receive(_ int64, d ike.Datagram)           { f.received = append(f.received, d) }
func (f *fake) Tick(now int64)                            { f.ticks, f.deadline = append(f.ticks, now), math.MaxInt64 }
func (f *fake) Deadline() int64                           { return f.deadline }
func (f *fake) Finish(_ int64, ticket uint64, result any) { f.results[ticket] = result }
func (f *fake) Acknowledge(_ int64, ticket uint64, err error) {
	f.acks[ticket] = append(f.acks[ticket], err)
}
func (f *fake) Shutdown(int64)               { f.note("shutdown") }
func (f *fake) Idle() bool                   { return true }
func (f *fake) Snapshot() []ike.SAStatus     { return []ike.SAStatus{{Connection: "peers"}} }
func (f *fake) Failures() []ike.Failure      { return []ike.Failure{{Reason: "none of ours"}} }
func (f *fake) LcoreDead(_ int64, lcore int) { f.note("dead %d", lcore) }

func (f *fake) Take(into *ike.Effects) {
	into.Datagrams = append(into.Datagrams, f.effects.Datagrams...)
	into.Operations = append(into.Operations, f.effects.Operations...)
	into.Jobs = append(into.Jobs, f.effects.Jobs...)
	into.Events = append(into.Events, f.effects.Events...)
	f.effects = ike.Effects{}
}

func (f *fake) Initiate(_ int64, connection, child string) error {
	f.note("initiate %s %s", connection, child)
	return errUnwilling
}

func (f *fake) Terminate(_ int64, connection string) error {
	f.note("terminate %s", connection)
	return errUnwilling
}

func (f *fake) Rekey(_ int64, connection string, ikeSA, children bool) error {
	f.note("rekey %s %t %t", connection, ikeSA, children)
	return errUnwilling
}

// errUnwilling is the fake's answer to every order.
var errUnwilling = errors.New("unwilling")

func (f *fake) Acquire(_ int64, connection, child string, t *ike.Trigger) {
	f.note("acquire %s %s %s", connection, child, triggerText(t))
}

func (f *fake) Resource(_ int64, b ike.BundleID, lcore int, t *ike.Trigger) {
	f.note("resource %d %d %s", b, lcore, triggerText(t))
}

func (f *fake) Limit(_ int64, spiIn uint32, hard bool) { f.note("limit %x %t", spiIn, hard) }
func (f *fake) Moved(_ int64, spiIn uint32, from netip.AddrPort) {
	f.note("moved %x %v", spiIn, from)
}

func (f *fake) UnknownSPI(_ int64, local, remote netip.AddrPort, spi uint32) {
	f.note("unknown %v %v %x", local, remote, spi)
}

func triggerText(t *ike.Trigger) string {
	if t == nil {
		return "for no packet"
	}
	return fmt.Sprintf("for %d %v %v", t.Protocol, t.Src, t.Dst)
}
