package ike

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What an operator can ask for in vain.
var (
	ErrUnknownConnection = errors.New("no such connection")
	ErrUnknownChild      = errors.New("no such child")
	ErrNoPeer            = errors.New("the connection has no peer address to initiate to")
	ErrNotUp             = errors.New("the connection is not up")
	ErrStopping          = errors.New("the engine is shutting down")
)

// Initiate brings a connection up, with one child or, with an empty name, all of them. It returns at once; events tell.
func (e *Engine) Initiate(now int64, connection, child string) error {
	c, ws, err := e.lookup(connection, child)
	switch {
	case err != nil:
		return err
	case e.stopping:
		return ErrStopping
	case !c.Peer.IsValid() && e.best(c) == nil:
		return fmt.Errorf("%q: %w", connection, ErrNoPeer)
	}
	e.guard(now, nil, func() { e.bringUp(now, c, ws) })
	return nil
}

// lookup finds a connection and the children meant.
func (e *Engine) lookup(connection, child string) (*Connection, []want, error) {
	d := e.dials[connection]
	if d == nil {
		return nil, nil, fmt.Errorf("%q: %w", connection, ErrUnknownConnection)
	}
	if child == "" {
		return d.conn, allChildren(d.conn), nil
	}
	i := slices.IndexFunc(d.conn.Children, func(c *Child) bool { return c.Name == child })
	if i < 0 {
		return nil, nil, fmt.Errorf("%q of %q: %w", child, connection, ErrUnknownChild)
	}
	return d.conn, []want{{child: d.conn.Children[i]}}, nil
}

// Terminate deletes the IKE SAs of a connection; it stays down until a packet, a peer or an operator asks.
func (e *Engine) Terminate(now int64, connection string) error {
	d := e.dials[connection]
	if d == nil {
		return fmt.Errorf("%q: %w", connection, ErrUnknownConnection)
	}
	pending := d.alarm.at >= 0
	e.alarms.drop(&d.alarm)
	all := e.ofConnection(d.conn)
	if len(all) == 0 && !pending {
		return fmt.Errorf("%q: %w", connection, ErrNotUp)
	}
	for _, s := range all {
		s.quiet = true
		e.guard(now, s, func() { s.shut(now, "terminated") })
	}
	return nil
}

// Rekey replaces the IKE SA of a connection, its Child SAs, or both, now.
func (e *Engine) Rekey(now int64, connection string, ikeSA, children bool) error {
	d := e.dials[connection]
	if d == nil {
		return fmt.Errorf("%q: %w", connection, ErrUnknownConnection)
	}
	s := e.best(d.conn)
	if s == nil || s.state != stateEstablished {
		return fmt.Errorf("%q: %w", connection, ErrNotUp)
	}
	e.guard(now, s, func() {
		if children {
			s.rekeyChild(now, "")
		}
		if ikeSA {
			s.rekey(now)
		}
	})
	return nil
}

// shutdownTime is how long peers have to answer the Delete of Shutdown.
const shutdownTime = 3 * time.Second

// Shutdown deletes every IKE SA and brings none up again. It is over when Idle reports true, in a few seconds at most,
// whatever peers do.
func (e *Engine) Shutdown(now int64) {
	e.stopping = true
	for _, d := range e.dials {
		e.alarms.drop(&d.alarm)
	}
	for _, s := range e.all() {
		s.quiet = true
		e.guard(now, s, func() { s.shut(now, "shutdown") })
		s.at(now+int64(shutdownTime), func(now int64) { s.close(now, ErrStopping) })
	}
}

// Idle reports whether there is no IKE SA.
func (e *Engine) Idle() bool { return len(e.sas) == 0 }

// all is every SA, the oldest first.
func (e *Engine) all() []*ikeSA {
	list := make([]*ikeSA, 0, len(e.sas))
	for _, s := range e.sas {
		list = append(list, s)
	}
	slices.SortFunc(list, older)
	return list
}

// ofConnection is every SA of a connection that is not half-open, the oldest first.
func (e *Engine) ofConnection(c *Connection) []*ikeSA {
	var list []*ikeSA
	for s := range e.dials[c.Name].sas {
		list = append(list, s)
	}
	slices.SortFunc(list, older)
	return list
}

func older(a, b *ikeSA) int {
	switch {
	case a.created != b.created:
		return int(min(max(a.created-b.created, -1), 1))
	case a.localSPI() < b.localSPI():
		return -1
	}
	return 1
}

// uniform is a random number from 0 to n-1; 0 where n is not positive. The bias of a 64-bit remainder is of no account.
func (e *Engine) uniform(n int64) int64 {
	if n <= 0 {
		return 0
	}
	var b [8]byte
	e.random(b[:])
	return int64(binary.BigEndian.Uint64(b[:]) % uint64(n))
}
