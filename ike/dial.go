package ike

import (
	"net/netip"
	"slices"
	"time"
)

// dial is what an engine does to have a connection up: which IKE SAs there are, and when it tries next.
type dial struct {
	conn  *Connection
	alarm alarm
	tries int             // attempts since it was last up
	sas   map[*ikeSA]bool // of this connection: those this end initiates, and all that are established
}

// Waits between attempts to bring a connection up: doubled each time, and up to a quarter shorter so that peers that lost
// the same path do not come back together.
const (
	redialFirst = time.Second
	redialMost  = 5 * time.Minute
)

// join counts the SA among those of its connection.
func (e *Engine) join(s *ikeSA) {
	d := e.dials[s.conn.Name]
	if d.sas == nil {
		d.sas = map[*ikeSA]bool{}
	}
	d.sas[s] = true
	if s.authenticated && s.pair == "" {
		s.pair = s.identities()
		e.byPeer[s.pair] = append(e.byPeer[s.pair], s)
	}
	if s.state == stateEstablished {
		d.tries = 0
		e.alarms.drop(&d.alarm)
	}
}

func (e *Engine) leave(s *ikeSA) {
	if s.conn != nil {
		delete(e.dials[s.conn.Name].sas, s)
	}
	if s.pair == "" {
		return
	}
	e.byPeer[s.pair] = slices.DeleteFunc(e.byPeer[s.pair], func(o *ikeSA) bool { return o == s })
	if len(e.byPeer[s.pair]) == 0 {
		delete(e.byPeer, s.pair)
	}
	s.pair = ""
}

// identities is the key of an SA's pair of identities.
func (s *ikeSA) identities() string { return s.localID.Key() + "\x00" + s.remoteID.Key() }

// sameIdentities is the other authenticated SAs between the same two identities, the oldest first.
func (e *Engine) sameIdentities(s *ikeSA) []*ikeSA {
	list := slices.DeleteFunc(slices.Clone(e.byPeer[s.identities()]), func(o *ikeSA) bool { return o == s })
	slices.SortFunc(list, older)
	return list
}

// Start brings up the connections that are to be up. Call it once, when the appliance is ready.
func (e *Engine) Start(now int64) {
	for _, c := range e.cfg.Connections {
		if c.Start == StartNow && c.Peer.IsValid() {
			e.guard(now, nil, func() { e.bringUp(now, c, allChildren(c)) })
		}
	}
}

func allChildren(c *Connection) (ws []want) {
	for _, child := range c.Children {
		ws = append(ws, want{child: child})
	}
	return ws
}

// bringUp makes Child SAs come up: on the IKE SA there is, with the one that is being set up, or with a new one.
func (e *Engine) bringUp(now int64, c *Connection, ws []want) {
	s := e.best(c)
	switch {
	case s == nil:
		e.initiate(now, c, ws)
	case s.state == stateEstablished:
		e.guard(now, s, func() {
			for _, w := range ws {
				s.initiateChild(now, w.child, w.trigger)
			}
		})
	default:
		for _, w := range ws {
			if !slices.ContainsFunc(s.wants, func(x want) bool { return x.child == w.child }) {
				s.wants = append(s.wants, w)
			}
		}
	}
}

// best is the SA of a connection to use: an established one before one that is being set up, the youngest of several; nil
// where there is none.
func (e *Engine) best(c *Connection) (best *ikeSA) {
	for s := range e.dials[c.Name].sas {
		if s.state <= stateEstablished && (best == nil || s.better(best)) {
			best = s
		}
	}
	return best
}

func (s *ikeSA) better(than *ikeSA) bool {
	if s.state != than.state {
		return s.state > than.state
	}
	return s.created > than.created || s.created == than.created && s.spiI > than.spiI
}

// initiate begins an IKE SA.
func (e *Engine) initiate(now int64, c *Connection, ws []want) {
	s := e.newSA(now, c, true)
	s.spiI = e.newSPI()
	s.outer = Outer{Local: netip.AddrPortFrom(c.Local, portIKE), Remote: netip.AddrPortFrom(c.Peer, portIKE)}
	s.fragmentSize = c.FragmentSize
	s.wants = ws
	e.register(s)
	e.join(s)
	e.guard(now, s, func() { s.enqueue(now, &initTask{s: s}) })
}

// redial plans to bring the connection of an SA that is gone up again, if it is one that has to be.
func (e *Engine) redial(now int64, s *ikeSA) {
	c := s.conn
	if e.stopping || s.quiet || c == nil || !c.Peer.IsValid() || !s.initiator && !s.authenticated {
		return
	}
	d := e.dials[c.Name]
	again := c.Start == StartNow || c.Restart && (s.authenticated || d.tries > 0)
	if !again || e.best(c) != nil {
		return
	}
	wait := min(redialFirst<<min(d.tries, 16), redialMost)
	d.tries++
	e.alarms.set(&d.alarm, now+int64(wait)-e.uniform(int64(wait)/4))
}

// dialAgain is the next attempt.
func (e *Engine) dialAgain(now int64, d *dial) {
	if e.stopping || e.best(d.conn) != nil {
		return
	}
	e.bringUp(now, d.conn, allChildren(d.conn))
}

// hasOther reports whether there is an authenticated SA of the same connection beside s.
func (e *Engine) hasOther(s *ikeSA) bool {
	for o := range e.dials[s.conn.Name].sas {
		if o != s && o.authenticated {
			return true
		}
	}
	return false
}
