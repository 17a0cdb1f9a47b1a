package ike

// childPhaseNames are the words of "show".
var childPhaseNames = [...]string{
	childBorn: "installing", childReady: "receiving", childUp: "up", childReplaced: "replaced", childDeleting: "deleting",
	childLingering: "lingering", childGone: "gone",
}

func (p childPhase) String() string { return childPhaseNames[p] }

// childStatus is the Child SAs as "show" has them.
func (s *ikeSA) childStatus(int64) []ChildStatus {
	list := make([]ChildStatus, 0, len(s.children))
	for _, c := range s.children {
		b := c.bundle
		list = append(list, ChildStatus{Name: b.child.Name, Bundle: b.id, SPIIn: c.spiIn, SPIOut: c.spiOut, Lcore: c.lcore,
			Fallback: c.fallback, Suite: c.suite, ESN: c.esn, Mode: b.mode, Local: b.local, Remote: b.remote,
			State: c.phase.String(), Created: c.created, RekeyAt: c.rekeyAt})
	}
	return list
}
