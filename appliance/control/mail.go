package control

import (
	"sync"

	"stillwater/appliance/hoststack"
	"stillwater/ike"
)

// maxMail bounds the datagrams that wait for the engine; beyond it they are lost, as in any full socket.
const maxMail = 8192

// inbox gathers what the host stack calls back with, on whatever goroutine. Safe for concurrent use.
type inbox struct {
	mu         sync.Mutex
	datagrams  []ike.Datagram
	neighbours map[hop]hoststack.Neighbour // the latest of each: as many as the host stack watches at most
	lost       uint64
}

func (in *inbox) datagram(d hoststack.Datagram) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.datagrams) >= maxMail {
		in.lost++
		return
	}
	in.datagrams = append(in.datagrams, ike.Datagram{Local: d.Local, Remote: d.Remote, Data: d.Data})
}

func (in *inbox) neighbour(n hoststack.Neighbour) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.neighbours == nil {
		in.neighbours = map[hop]hoststack.Neighbour{}
	}
	in.neighbours[hop{n.Port, n.Addr}] = n
}

// take empties the inbox.
func (in *inbox) take() (ds []ike.Datagram, ns map[hop]hoststack.Neighbour, lost uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	ds, ns, lost = in.datagrams, in.neighbours, in.lost
	in.datagrams, in.neighbours, in.lost = nil, nil, 0
	return ds, ns, lost
}

// takeMail gives datagrams to the engine and link addresses to the next generation.
func (c *Core) takeMail(now int64) int {
	ds, ns, lost := c.inbox.take()
	if lost > 0 {
		c.count("mail_lost", lost)
	}
	for _, d := range ds {
		c.engine.Receive(now, d)
	}
	for _, n := range ns {
		if c.neighbours.update(n) {
			c.draft.wanted, c.draft.routes = true, true
		}
	}
	return len(ds) + len(ns)
}

// send gives a datagram of the engine to the host stack. What cannot be sent is retransmitted like what is lost.
func (c *Core) send(d *ike.Datagram) {
	var err error
	if d.Keepalive {
		err = c.stack.SendKeepalive(d.Local, d.Remote)
	} else {
		err = c.stack.SendUDP(hoststack.Datagram{Local: d.Local, Remote: d.Remote, Data: d.Data})
	}
	if err != nil {
		c.count("send_failed", 1)
		c.log.Debug("datagram not sent", "local", d.Local, "remote", d.Remote, "error", err)
	}
}
