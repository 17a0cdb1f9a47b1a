package hoststack

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Stack answers for the appliance's own addresses. It is safe for concurrent use. What it does takes place on the goroutines
// that call it and on those of the clock's timers; netstack's TCP has a few of its own, which end in Close.
type Stack struct {
	cfg    Config
	clock  tcpip.Clock
	net    *stack.Stack
	links  []*link            // by port
	inner  *link              // for packets that came out of a tunnel or through another port
	owners map[netip.Addr]int // port of every own address; immutable after New

	neighbours neighbours
	resolving  sync.Mutex // of resolutionClock
	closed     atomic.Bool
	count      counters

	mu      sync.Mutex // of what follows
	sockets map[netip.AddrPort]*socket
	echoes  *Limiter
}

// counters are what Counters returns, while they count.
type counters struct {
	received, malformed, sent, unsent, forwarded, unforwarded       atomic.Uint64
	keepalives, strayESP, badMarker, icmpLimited, icmpRefused, lost atomic.Uint64
}

// Counters says what became of packets. netstack's own drops (wrong checksums, unknown protocols) are not counted here.
type Counters struct {
	Received    uint64 // frames and packets given to Receive
	Malformed   uint64 // of these, damaged ones that netstack did not see
	Sent        uint64 // frames that left by Config.Send
	Unsent      uint64 // frames that Send refused
	Forwarded   uint64 // packets that left by Config.Forward
	Unforwarded uint64 // packets that Forward refused, or that nobody takes
	Keepalives  uint64 // NAT keepalives, ignored (RFC 3948 2.3)
	StrayESP    uint64 // ESP that came to port 4500 of the stack and not to an lcore; dropped
	BadMarker   uint64 // datagrams on port 4500 too short for what they pretend to be; dropped
	ICMPLimited uint64 // echo requests above the limit
	ICMPRefused uint64 // ICMP messages that Config.ICMP refused
	Lost        uint64 // neighbours that did not answer, or do so no more
}

// quiet keeps netstack from telling standard error about what peers send.
var quiet = sync.OnceFunc(func() { log.SetLevel(log.Warning) })

// New builds the stack: its addresses answer at once. Errors wrap ErrConfig.
func New(cfg Config) (*Stack, error) {
	quiet()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Stack{cfg: cfg, clock: cfg.Clock, owners: map[netip.Addr]int{},
		sockets: map[netip.AddrPort]*socket{}, echoes: NewLimiter(echoRate, echoBurst)}
	if s.clock == nil {
		s.clock = tcpip.NewStdClock()
	}
	s.neighbours.init(s)
	s.net = newNetstack(s)
	if err := s.addInterfaces(); err != nil {
		s.net.Destroy()
		return nil, err
	}
	s.neighbours.start()
	return s, nil
}

// Close ends the stack: neither callbacks nor goroutines are left once it and calls under way have returned. Calls after it do
// nothing, or return ErrClosed.
func (s *Stack) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.neighbours.stop()
	for port := range s.links {
		s.forgetNeighbours(port) // their timers
	}
	s.net.Destroy()
}

// now returns the stack's time in nanoseconds.
func (s *Stack) now() int64 { return s.clock.NowMonotonic().Sub(tcpip.MonotonicTime{}).Nanoseconds() }

// send gives a frame to the port it leaves by.
func (s *Stack) send(port int, frame []byte) bool {
	return !s.closed.Load() && tally(s.cfg.Send(port, frame), &s.count.sent, &s.count.unsent)
}

// forward gives a packet of the inner NIC to the data plane. Multicast is netstack's talk to a link that is none.
func (s *Stack) forward(packet []byte) bool {
	p, ok := parseIP(packet)
	if s.closed.Load() || !ok || p.dst.IsMulticast() {
		return true
	}
	return tally(s.cfg.Forward != nil && s.cfg.Forward(packet), &s.count.forwarded, &s.count.unforwarded)
}

// tally counts an outcome and returns it.
func tally(ok bool, yes, no *atomic.Uint64) bool {
	if ok {
		yes.Add(1)
	} else {
		no.Add(1)
	}
	return ok
}

// Counters returns what happened so far.
func (s *Stack) Counters() Counters {
	c := &s.count
	return Counters{
		Received: c.received.Load(), Malformed: c.malformed.Load(),
		Sent: c.sent.Load(), Unsent: c.unsent.Load(), Forwarded: c.forwarded.Load(), Unforwarded: c.unforwarded.Load(),
		Keepalives: c.keepalives.Load(), StrayESP: c.strayESP.Load(), BadMarker: c.badMarker.Load(),
		ICMPLimited: c.icmpLimited.Load(), ICMPRefused: c.icmpRefused.Load(), Lost: c.lost.Load(),
	}
}
