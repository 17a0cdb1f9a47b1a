package control

import (
	"errors"
	"fmt"

	"stillwater/appliance/dataplane"
)

// errRefused is why an operation on the data plane failed.
var errRefused = errors.New("the data plane refused")

// then is what follows an acknowledgement of the data plane.
type then func(now int64, ack *dataplane.Ack)

// orders are the commands between control and the lcores. They are kept by reference: key material is in one place, and a
// long line costs pointers.
type orders struct {
	plane   *dataplane.Plane
	ticket  uint64
	awaited map[uint64]then
	line    []*dataplane.Command // what the ring has no room for, oldest first
}

// give submits a command; next is called with its acknowledgement. cmd is the line's from here on, and wiped when it has been
// handed over.
func (o *orders) give(cmd *dataplane.Command, next then) {
	o.ticket++
	cmd.Ticket = o.ticket
	o.awaited[cmd.Ticket] = next
	o.line = append(o.line, cmd)
	o.submit()
}

// submit hands over what there is room for. Submit wipes the keys of what it takes.
func (o *orders) submit() {
	n := 0
	for n < len(o.line) && o.plane.Submit(o.line[n]) {
		o.line[n] = nil
		n++
	}
	if o.line = o.line[n:]; len(o.line) == 0 {
		o.line = nil
	}
}

// take continues what waited for acknowledgements.
func (o *orders) take(now int64) (n int) {
	for ; ; n++ {
		ack, ok := o.plane.TakeAck()
		if !ok {
			return n
		}
		if next := o.awaited[ack.Ticket]; next != nil {
			delete(o.awaited, ack.Ticket)
			next(now, &ack)
		}
	}
}

// wipe clears the keys of what has not been handed over.
func (o *orders) wipe() {
	for _, cmd := range o.line {
		clear(cmd.SA.Keymat[:])
	}
}

// refusal turns an acknowledgement into an error.
func (c *Core) refusal(spi uint32, ack *dataplane.Ack) error {
	if ack.Code == dataplane.Done {
		return nil
	}
	err := fmt.Errorf("SA %#08x on lcore %d: %w: %s", spi, ack.Lcore, errRefused, ack.Code)
	if ack.Code == dataplane.BadSA && c.plane.Refusal() != nil {
		err = fmt.Errorf("%w: %w", err, c.plane.Refusal())
	}
	return err
}
