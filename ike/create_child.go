package ike

// createTask makes a new Child SA: one that a packet or an operator asks for, or another one of a bundle (RFC 9611).
type createTask struct {
	childExchange
}

// create asks for a new Child SA.
func (s *ikeSA) create(now int64, c *Child, o childOptions) { s.enqueue(now, s.wish(c, o)) }

// wish is the task that does, counted among what is asked for.
func (s *ikeSA) wish(c *Child, o childOptions) *createTask {
	t := &createTask{childExchange{s: s, child: c, o: o}}
	t.ended = t.end
	if o.bundle != nil {
		o.bundle.holds++
	}
	s.asked = append(s.asked, t)
	return t
}

func (t *createTask) move(to *ikeSA) {
	t.s = to
	to.asked = append(to.asked, t)
}

func (t *createTask) start(now int64) { t.begin(now) }

// fail is undo: the IKE SA goes away, and with it the wish.
func (t *createTask) fail(now int64, _ error) {
	t.undo(now)
	t.s.forgetAsked(t)
}

func (t *createTask) end(now int64, c *childSA, err error) {
	s := t.s
	if err != nil {
		s.createFailed(now, t, err)
		s.done(now)
		return
	}
	s.granted()
	s.finishChild(now, c, func(now int64, _ error) {
		s.forgetAsked(t)
		s.done(now)
	})
}
