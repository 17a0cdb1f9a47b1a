package mgmt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Outcome is the result of initiate, terminate and rekey. A value.
type Outcome struct {
	Done bool    `json:"done"` // false: the request did not ask to wait
	SAs  []IKESA `json:"sas"`  // of the connection, once done
}

// errLost ends a rekey whose connection is gone.
var errLost = errors.New("the connection went down meanwhile")

// initiate brings up a connection, or one child of it.
func initiate(ctx context.Context, b Backend, r *Request) (any, error) {
	w, err := newWatch(ctx, b, r)
	if err != nil {
		return nil, err
	}
	if err := b.Initiate(ctx, r.Name, r.Child); err != nil {
		return nil, err
	}
	wanted := []string{r.Child}
	if r.Child == "" {
		wanted = childrenOf(b.Configured(), r.Name)
	}
	return w.await(ctx, "up", func(sas []IKESA) (bool, error) { return allUp(sas, wanted), nil })
}

// terminate deletes the IKE SAs of a connection.
func terminate(ctx context.Context, b Backend, r *Request) (any, error) {
	w, err := newWatch(ctx, b, r)
	if err != nil {
		return nil, err
	}
	if err := b.Terminate(ctx, r.Name); err != nil {
		return nil, err
	}
	w.failures = nil // an attempt that is called off is no failure of this order
	return w.await(ctx, "down", func(sas []IKESA) (bool, error) { return noneOf(sas, w.before), nil })
}

// rekey replaces the youngest IKE SA of a connection that is up, its Child SAs, or both.
func rekey(ctx context.Context, b Backend, r *Request) (any, error) {
	w, err := newWatch(ctx, b, r)
	if err != nil {
		return nil, err
	}
	ike, children := r.Part != PartChild, r.Part != PartIKE
	if err := b.Rekey(ctx, r.Name, ike, children); err != nil {
		return nil, err
	}
	return w.await(ctx, "rekeyed", func(sas []IKESA) (bool, error) {
		if len(sas) == 0 {
			return false, errLost
		}
		return (!ike || ikeReplaced(w.before, sas)) && (!children || childrenReplaced(w.before, sas)), nil
	})
}

// watch is what there was before an order. Owned by the goroutine that carries the order out.
type watch struct {
	backend  Backend
	request  *Request
	before   []IKESA                                  // of the connection
	known    []Failure                                // of all
	failures func(context.Context) ([]Failure, error) // nil: failures do not end the order
}

func newWatch(ctx context.Context, b Backend, r *Request) (w *watch, err error) {
	w = &watch{backend: b, request: r, failures: b.Failures}
	if r.TimeoutMS == 0 {
		return w, nil
	}
	if w.known, err = b.Failures(ctx); err != nil {
		return nil, err
	}
	w.before, err = w.sas(ctx)
	return w, err
}

// sas is the SAs of the connection that the request is about.
func (w *watch) sas(ctx context.Context) ([]IKESA, error) {
	all, err := w.backend.SAs(ctx)
	return slices.DeleteFunc(all, func(s IKESA) bool { return s.Connection != w.request.Name }), err
}

// The pace at which an order looks for its outcome: soon at first, then so that looking costs the control core little.
const (
	firstLook = 10 * time.Millisecond
	maxLook   = 200 * time.Millisecond
)

// await looks until the order is done, has failed, or has taken too long.
func (w *watch) await(ctx context.Context, what string, done func([]IKESA) (bool, error)) (any, error) {
	if w.request.TimeoutMS == 0 {
		return Outcome{SAs: []IKESA{}}, nil
	}
	end := time.NewTimer(w.request.timeout())
	defer end.Stop()
	for wait := firstLook; ; wait = min(2*wait, maxLook) {
		sas, err := w.look(ctx, done)
		if sas != nil || err != nil {
			return Outcome{Done: true, SAs: sas}, err
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-end.C:
			pause.Stop()
			return nil, w.late(ctx, what)
		case <-ctx.Done():
			pause.Stop()
			return nil, fmt.Errorf("%s %q: the appliance is shutting down", w.request.Verb, w.request.Name)
		}
	}
}

// look returns the SAs of the connection when the order is done, nil while it is not, and why it has failed.
func (w *watch) look(ctx context.Context, done func([]IKESA) (bool, error)) ([]IKESA, error) {
	sas, err := w.sas(ctx)
	if err != nil {
		return nil, err
	}
	ok, lost := done(sas)
	if ok {
		return listed(sas, nil)
	}
	if w.failures != nil {
		all, err := w.failures(ctx)
		if err != nil {
			return nil, err
		}
		if f, ok := w.fresh(all); ok {
			return nil, fmt.Errorf("%q: %v", w.request.Name, f)
		}
	}
	if lost != nil {
		return nil, fmt.Errorf("%q: %w", w.request.Name, lost)
	}
	return nil, nil
}

// fresh is the latest failure of the connection since the order: where there are several of one moment, the latest says most.
func (w *watch) fresh(all []Failure) (Failure, bool) {
	for _, f := range slices.Backward(all) {
		if f.Connection == w.request.Name && !slices.Contains(w.known, f) {
			return f, true
		}
	}
	return Failure{}, false
}

// late says how far an order has come that took too long.
func (w *watch) late(ctx context.Context, what string) error {
	sas, err := w.sas(ctx)
	if err != nil {
		return err
	}
	state := "no IKE SA"
	if n := len(sas); n > 0 {
		s := &sas[n-1]
		state = fmt.Sprintf("IKE SA %s with %d Child SAs, %d retransmissions", s.State, len(s.Children), s.Retransmits)
	}
	return fmt.Errorf("%q: not %s after %v; it goes on: %s", w.request.Name, what, w.request.timeout(), state)
}
