package hoststack

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Lcores send to neighbours past netstack, which therefore never sees that one is in use. So every refreshEvery, the next
// refreshBatch of the neighbours asked for are looked up, which is to Neighbour Unreachability Detection what a packet sent
// is (RFC 4861 7.3.3): a stale entry is probed, and one that netstack had to evict (it holds 512 for a NIC, and any station
// can fill them) is asked for again, while the address known so far stays in use. Batch and interval bound the requests.
const (
	refreshEvery = time.Second
	refreshBatch = 64
	maxWatched   = 4096
)

// Limits of new requests because of ARP packets that name another link address for a neighbour.
const (
	claimRate  = 10
	claimBurst = 20
)

// neighbourKey names a neighbour.
type neighbourKey struct {
	port int
	addr netip.Addr
}

// watched is what Changed was last told about a neighbour.
type watched struct {
	mac   [6]byte
	known bool
}

// neighbours is the list of those that Resolve asked for. It is safe for concurrent use: netstack reports to it with its locks
// held, so it takes its own last.
type neighbours struct {
	stack *Stack

	mu     sync.Mutex
	table  map[neighbourKey]*watched
	order  []neighbourKey // as they are refreshed in turn
	next   int            // in order
	timer  tcpip.Timer
	claims *Limiter
}

func (n *neighbours) init(s *Stack) {
	n.stack, n.table, n.claims = s, map[neighbourKey]*watched{}, NewLimiter(claimRate, claimBurst)
}

// Resolve asks for the link address of an on-link neighbour. The answer comes by Config.Changed, at once where it is known,
// and again whenever it changes; the last answer is that the neighbour is lost, after which one may ask again. Nothing
// happens on a raw port, or where next is no unicast address.
func (s *Stack) Resolve(port int, next netip.Addr) {
	if s.closed.Load() || port < 0 || port >= len(s.links) || s.cfg.Interfaces[port].Raw || !unicast(next) {
		return
	}
	key := neighbourKey{port, next.Unmap().WithZone("")}
	s.neighbours.watch(key)
	s.lookUp(key)
}

// lookUp makes netstack find out, or confirm, where a neighbour is.
func (s *Stack) lookUp(key neighbourKey) {
	told := func(r stack.LinkResolutionResult) {
		switch r.Err.(type) {
		case nil:
			s.neighbours.learn(key, r.LinkAddress)
		case *tcpip.ErrAborted: // evicted: its turn will come again
		default:
			s.neighbours.lose(key)
		}
	}
	err := s.net.GetLinkAddress(nicOf(key.port), toAddress(key.addr), tcpip.Address{}, protocolOf(key.addr), told)
	if _, waiting := err.(*tcpip.ErrWouldBlock); err != nil && !waiting {
		s.neighbours.lose(key)
	}
}

// forgetNeighbours empties netstack's tables of a port.
func (s *Stack) forgetNeighbours(port int) {
	for _, protocol := range []tcpip.NetworkProtocolNumber{header.IPv4ProtocolNumber, header.IPv6ProtocolNumber} {
		s.net.ClearNeighbors(nicOf(port), protocol) // a raw port has none: nothing to do about that
	}
}

// heardARP looks at an ARP packet before netstack does. RFC 826: whoever speaks tells its own address, so one that differs from
// what is known is a reason to ask again. netstack ignores announcements, and would use a dead address up to a minute longer.
func (s *Stack) heardARP(port int, packet []byte) {
	if len(packet) < header.ARPSize || !header.ARP(packet).IsValid() {
		return
	}
	sender := header.ARP(packet).ProtocolAddressSender()
	key := neighbourKey{port, netip.AddrFrom4([4]byte(sender))}
	if s.neighbours.disputed(key, [6]byte(header.ARP(packet).HardwareAddressSender())) {
		s.net.RemoveNeighbor(nicOf(port), header.IPv4ProtocolNumber, toAddress(key.addr)) // if it was evicted, so much the better
		s.lookUp(key)
	}
}

// watch adds a neighbour to the list. A full list loses the one whose turn is next.
func (n *neighbours) watch(key neighbourKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.table[key] != nil {
		return
	}
	if len(n.order) == maxWatched {
		n.dropLocked(n.next % len(n.order))
	}
	n.table[key] = new(watched)
	n.order = append(n.order, key)
}

// learn tells Changed about a new or another link address.
func (n *neighbours) learn(key neighbourKey, address tcpip.LinkAddress) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.table[key]
	if w == nil || len(address) != len(w.mac) {
		return
	}
	mac := [6]byte([]byte(address))
	if !unicastMAC(mac) || w.known && w.mac == mac {
		return
	}
	w.mac, w.known = mac, true
	n.tell(Neighbour{Port: key.port, Addr: key.addr, MAC: mac, Valid: true})
}

// lose takes a neighbour that does not answer off the list.
func (n *neighbours) lose(key neighbourKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.table[key] != nil {
		n.dropLocked(slices.Index(n.order, key))
	}
}

// dropLocked removes the i-th neighbour and says that it is lost.
func (n *neighbours) dropLocked(i int) {
	key := n.order[i]
	n.order = slices.Delete(n.order, i, i+1)
	if i < n.next {
		n.next--
	}
	delete(n.table, key)
	n.stack.count.lost.Add(1)
	n.tell(Neighbour{Port: key.port, Addr: key.addr})
}

// tell calls Changed, in the order of events: with the lock held.
func (n *neighbours) tell(what Neighbour) {
	if f := n.stack.cfg.Changed; f != nil && !n.stack.closed.Load() {
		f(what)
	}
}

// disputed reports whether mac contradicts what is known about a neighbour and it is time to ask.
func (n *neighbours) disputed(key neighbourKey, mac [6]byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.table[key]
	return w != nil && w.known && w.mac != mac && unicastMAC(mac) && n.claims.Allow(n.stack.now())
}

// start begins to refresh.
func (n *neighbours) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = n.stack.clock.AfterFunc(refreshEvery, n.refresh)
}

// stop ends it.
func (n *neighbours) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer.Stop()
}

// refresh looks up the next neighbours in turn.
func (n *neighbours) refresh() {
	for _, key := range n.turn() {
		n.stack.lookUp(key)
	}
	if n.mu.Lock(); !n.stack.closed.Load() {
		n.timer.Reset(refreshEvery)
	}
	n.mu.Unlock()
}

// turn returns the neighbours whose turn it is.
func (n *neighbours) turn() []neighbourKey {
	n.mu.Lock()
	defer n.mu.Unlock()
	var keys []neighbourKey
	for range min(refreshBatch, len(n.order)) {
		n.next %= len(n.order)
		keys = append(keys, n.order[n.next])
		n.next++
	}
	return keys
}

// OnNeighborAdded implements stack.NUDDispatcher.
func (n *neighbours) OnNeighborAdded(nic tcpip.NICID, e stack.NeighborEntry) {
	n.OnNeighborChanged(nic, e)
}

// OnNeighborChanged implements stack.NUDDispatcher: netstack learnt an address or gave one up.
func (n *neighbours) OnNeighborChanged(nic tcpip.NICID, e stack.NeighborEntry) {
	key := neighbourKey{portOf(nic), fromAddress(e.Addr)}
	switch e.State {
	case stack.Unreachable:
		n.lose(key)
	case stack.Unknown, stack.Incomplete:
	default:
		n.learn(key, e.LinkAddr)
	}
}

// OnNeighborRemoved implements stack.NUDDispatcher. Removed is not lost: netstack lacked room, or we ask anew.
func (n *neighbours) OnNeighborRemoved(tcpip.NICID, stack.NeighborEntry) {}
