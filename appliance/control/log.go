package control

import (
	"fmt"

	"stillwater/ike"
)

// logEvent writes what the engine tells to the log, one line each, and keeps the counts of Status. Nothing in an event is
// secret; text of peers is escaped and capped where it entered.
func (c *Core) logEvent(e *ike.Event) {
	args := []any{"connection", e.Connection}
	if e.Child != "" {
		args = append(args, "child", e.Child)
	}
	if e.SPIi != 0 {
		args = append(args, "ike_spi", fmt.Sprintf("%016x_%016x", e.SPIi, e.SPIr))
	}
	if e.SPIIn != 0 {
		args = append(args, "spi_in", fmt.Sprintf("%#08x", e.SPIIn))
	}
	if e.Text != "" {
		args = append(args, "detail", e.Text)
	}
	switch e.Kind {
	case ike.EventEstablished:
		c.log.Info("connection authenticated", args...)
	case ike.EventChildUp:
		c.log.Info("child up", args...)
	case ike.EventRekeyed:
		c.rekeyed()
		c.log.Info("rekeyed", args...)
	case ike.EventChildDown:
		c.log.Info("child down", args...)
	case ike.EventDown:
		c.log.Info("connection down", args...)
	case ike.EventFailed:
		c.logFailure(e.Failure)
	default:
		c.log.Info("note", args...)
	}
}

// logFailure writes the verdict line of a failed negotiation.
func (c *Core) logFailure(f *ike.Failure) {
	if f == nil {
		return
	}
	args := []any{"connection", f.Connection, "remote", f.Remote, "stage", f.Stage, "reason", f.Reason}
	if f.Notify != 0 {
		args = append(args, "notify", f.Notify.String(), "from_peer", f.FromPeer)
	}
	if f.Offered != "" {
		args = append(args, "offered", f.Offered)
	}
	if f.Configured != "" {
		args = append(args, "configured", f.Configured)
	}
	if f.Key != "" {
		args = append(args, "change", f.Key)
	}
	c.log.Warn("negotiation failed", args...)
}

func (c *Core) rekeyed() {
	c.mu.Lock()
	c.counts.rekeys++
	c.mu.Unlock()
}
