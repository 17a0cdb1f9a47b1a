package hoststack

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// resolutionClock is the clock that netstack gets. When a neighbour is found or lost, netstack sends the packets that waited
// from a timer of no delay, which reads the neighbour's link address without the entry's lock. What writes it are messages of
// ARP and Neighbour Discovery; so those are delivered, and such timers run, under one lock. Neither runs handlers of
// ListenUDP. It is safe for concurrent use.
type resolutionClock struct {
	tcpip.Clock
	resolving *sync.Mutex
}

// AfterFunc implements tcpip.Clock.
func (c *resolutionClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	if d > 0 {
		return c.Clock.AfterFunc(d, f)
	}
	return c.Clock.AfterFunc(d, func() {
		c.resolving.Lock()
		defer c.resolving.Unlock()
		f()
	})
}

// deliverResolution gives netstack a message of ARP or Neighbour Discovery.
func (s *Stack) deliverResolution(l *link, protocol tcpip.NetworkProtocolNumber, frame []byte, l3 int) {
	s.resolving.Lock()
	defer s.resolving.Unlock()
	l.deliver(protocol, frame, l3)
}
