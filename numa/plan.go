package numa

import (
	"fmt"
	"slices"
)

// Request says what a placement is wanted for.
type Request struct {
	Lcores     int          // 0: as many as make sense
	Queues     []PortQueues // the ports to be served
	Control    bool         // keep a CPU for the control core
	Overcommit bool         // let lcores share CPUs when there are not enough: for tests, never for constant rate
}

// PortQueues are the queues of one port, as many in each direction.
type PortQueues struct {
	Port   string
	Node   int // of the device, or Unknown
	Queues int // 0: one per lcore
}

// Placement is the answer to a Request. Immutable after Plan, safe for concurrent use.
type Placement struct {
	Lcores        []Lcore `json:"lcores"`
	Control       int     `json:"control"`        // CPU of the control core, -1 if none was asked for
	ControlShared bool    `json:"control_shared"` // an lcore runs there too
	Spare         CPUSet  `json:"spare"`          // allowed CPUs that neither lcores nor control use
	GOMAXPROCS    int     `json:"gomaxprocs"`     // the least that keeps busy lcores from starving the program
}

// Lcore is where one lcore runs and what it serves.
type Lcore struct {
	ID       int      `json:"id"`
	CPU      int      `json:"cpu"`
	Node     int      `json:"node"`
	Isolated bool     `json:"isolated"`
	Shared   bool     `json:"shared"` // another lcore or the control core runs on its CPU: it must yield when idle
	Queues   []Queue  `json:"queues"`
	Because  []string `json:"because"` // why this CPU
}

// Queue is one queue pair of a port.
type Queue struct {
	Port   string `json:"port"`
	Queue  int    `json:"queue"`
	Remote bool   `json:"remote"` // the port is known to be on another node than the lcore
}

// ShortError says that there are fewer CPUs than the request needs.
type ShortError struct {
	Lcores  int    // asked for
	Control bool   // one more for the control core
	Have    CPUSet // allowed and online
}

// Error gives the figures.
func (e *ShortError) Error() string {
	asked, need := lcores(e.Lcores), e.Lcores
	if e.Control {
		asked, need = asked+" and a control core", need+1
	}
	return fmt.Sprintf("placement: asked for %s, which takes %d CPUs: have %d (%s)", asked, need, e.Have.Len(), quote(e.Have.String()))
}

// spareProcs is what the Go runtime needs beside busy lcores: one for the control core, one for the collector and timers.
const spareProcs = 2

// Plan places lcores on the CPUs of t that are in allowed, usually Affinity's, and spreads the ports' queues over them. In
// this order it prefers CPUs that are isolated, whose core does nothing else, and whose node has ports without enough
// lcores yet. The same arguments give the same placement. An automatic number of lcores is one per core, isolated cores
// only where there are any, with a CPU left over for the kernel if three or more remain, and no more than the widest port
// has queues; it never fails for want of CPUs. A given number fails with a *ShortError.
func Plan(t *Topology, allowed CPUSet, req Request) (*Placement, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	p := newPlanner(t, allowed, req)
	if len(p.cpus) == 0 {
		return nil, fmt.Errorf("placement: no CPU to run on: allowed are %s, online %s", quote(allowed.String()), quote(t.Online().String()))
	}
	p.placeControl()
	n := req.Lcores
	if n == 0 {
		n = p.auto()
	}
	if n > p.free().Len() && !req.Overcommit {
		return nil, &ShortError{Lcores: n, Control: req.Control, Have: p.pool}
	}
	p.placeLcores(n)
	p.spreadQueues()
	return p.finish(), nil
}

// check refuses numbers that no machine has.
func (req *Request) check() error {
	if req.Lcores < 0 || req.Lcores > MaxCPUs {
		return fmt.Errorf("placement: got %d lcores, expected 0 (automatic) to %d", req.Lcores, MaxCPUs)
	}
	for i, q := range req.Queues {
		if q.Queues < 0 || q.Queues > MaxCPUs {
			return fmt.Errorf("placement: port %q: got %d queues, expected 0 (one per lcore) to %d", q.Port, q.Queues, MaxCPUs)
		}
		if slices.ContainsFunc(req.Queues[:i], func(o PortQueues) bool { return o.Port == q.Port }) {
			return fmt.Errorf("placement: port %q is there twice", q.Port)
		}
	}
	return nil
}

// widest returns the number of queues of the port that has most, 0 when a port takes one per lcore or there is none.
func (req *Request) widest() (n int) {
	for _, q := range req.Queues {
		if q.Queues == 0 {
			return 0
		}
		n = max(n, q.Queues)
	}
	return n
}
