package appliance

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"stillwater/appliance/config"
	"stillwater/numa"
)

// layout says where lcores run.
type layout struct {
	lcores  int
	cpus    []int // empty: not pinned
	shared  bool  // some lcore has no CPU of its own: lcores yield to each other
	explain []string
}

// cpu returns the CPU of an lcore, or -1.
func (l *layout) cpu(lcore int) int {
	if lcore < len(l.cpus) {
		return l.cpus[lcore]
	}
	return -1
}

// planLayout asks the machine for CPUs, unless the lcores share whatever there is.
func planLayout(cfg *config.Config, share bool) (layout, error) {
	if share {
		n := max(cfg.System.Lcores, 1)
		return layout{lcores: n, shared: true, explain: []string{fmt.Sprintf("%d lcores share the cores of the process", n)}}, nil
	}
	topology, err := numa.Discover(os.DirFS("/sys"))
	if err != nil {
		return layout{}, err
	}
	allowed, err := numa.Affinity()
	if err != nil {
		return layout{}, err
	}
	p, err := numa.Plan(topology, allowed, placementRequest(cfg))
	if err != nil {
		return layout{}, err
	}
	if runtime.GOMAXPROCS(0) < p.GOMAXPROCS {
		runtime.GOMAXPROCS(p.GOMAXPROCS) // a busy lcore keeps its thread: the rest of the program needs threads of its own
	}
	l := layout{lcores: len(p.Lcores), explain: strings.Split(strings.TrimSpace(p.Explain()), "\n")}
	for _, lc := range p.Lcores {
		l.cpus = append(l.cpus, lc.CPU)
		l.shared = l.shared || lc.Shared
	}
	if l.shared {
		l.cpus = nil
		l.explain = append(l.explain, "lcores yield to each other and are not pinned, because some share a CPU")
	}
	return l, nil
}

// placementRequest asks for lcores for the configured ports. Lcores may share CPUs unless a tunnel sends at a constant rate:
// such a sender must never wait for another.
func placementRequest(cfg *config.Config) numa.Request {
	r := numa.Request{Lcores: cfg.System.Lcores, Control: true, Overcommit: true}
	for _, t := range cfg.Tunnels {
		r.Overcommit = r.Overcommit && t.Mode != config.ModeConstant
	}
	for _, p := range cfg.Ports {
		r.Queues = append(r.Queues, numa.PortQueues{Port: p.Name, Node: -1, Queues: p.Queues})
	}
	return r
}
