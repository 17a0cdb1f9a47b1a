package testbed

import (
	"context"
	"sync/atomic"
)

// meeting lets appliances wait for each other. Safe for concurrent use.
type meeting struct {
	missing atomic.Int32
	all     chan struct{} // closed by the last to arrive
}

func newMeeting(n int) *meeting {
	m := &meeting{all: make(chan struct{})}
	m.missing.Store(int32(n))
	return m
}

// wait returns when everybody waits, or with the error of ctx.
func (m *meeting) wait(ctx context.Context) error {
	if m.missing.Add(-1) == 0 {
		close(m.all)
	}
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
