package softpmd

// hooks is what a test or a demonstration hung into one direction. Immutable: a change replaces it.
type hooks struct {
	filter func(frame []byte) bool
	tap    func(from End, frame []byte, now int64)
}

// SetFilter drops what from sends and keep returns false for; nil removes the filter. It is called on the sending lcore
// and must not hold on to the frame. It takes effect with the next burst.
func (w *Wire) SetFilter(from End, keep func(frame []byte) bool) {
	w.setHooks(from, func(h *hooks) { h.filter = keep })
}

// SetTap shows everything that end from sends to an observer beside it, before any impairment or filter, with the clock
// of the burst; nil removes the tap. It is called on the sending lcore and must not hold on to the frame; an 802.1Q tag is
// not in the frame. It takes effect with the next burst.
func (w *Wire) SetTap(from End, see func(from End, frame []byte, now int64)) {
	w.setHooks(from, func(h *hooks) { h.tap = see })
}

func (w *Wire) setHooks(from End, change func(*hooks)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := hooks{}
	if old := w.hooks[from].Load(); old != nil {
		h = *old
	}
	change(&h)
	if h.filter == nil && h.tap == nil {
		w.hooks[from].Store(nil)
		return
	}
	w.hooks[from].Store(&h)
}
