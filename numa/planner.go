package numa

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// planner is a placement in the making.
type planner struct {
	Placement
	req      Request
	cpus     []CPU  // allowed and online
	pool     CPUSet // the same as a set
	isolated CPUSet
	used     CPUSet      // by lcores, and by the control core unless it has to share
	placed   map[int]int // lcores per node
}

func newPlanner(t *Topology, allowed CPUSet, req Request) *planner {
	p := &planner{req: req, isolated: t.Isolated, placed: map[int]int{}}
	for _, c := range t.CPUs {
		if allowed.Has(c.ID) {
			p.cpus = append(p.cpus, c)
			p.pool.Add(c.ID)
		}
	}
	p.Control = -1
	return p
}

// free returns the CPUs that nothing runs on yet.
func (p *planner) free() CPUSet { return p.pool.AndNot(p.used) }

// placeControl puts the control core on the lowest CPU the scheduler looks after, where the kernel has its own work too.
// A lone CPU is shared.
func (p *planner) placeControl() {
	if !p.req.Control {
		return
	}
	p.Control = p.pool.Min()
	if own := p.pool.AndNot(p.isolated); own.Len() > 0 {
		p.Control = own.Min()
	}
	// A number of lcores that leaves no room fails later, with the control core counted.
	p.ControlShared = p.pool.Len() == 1 && (p.req.Overcommit || p.req.Lcores == 0)
	if !p.ControlShared {
		p.used.Add(p.Control)
	}
}

// auto chooses the number of lcores.
func (p *planner) auto() int {
	from := p.free()
	if isolated := from.And(p.isolated); isolated.Len() > 0 {
		from = isolated
	}
	n := 0
	for _, c := range p.cpus {
		if from.Has(c.ID) && c.Siblings.And(from).Min() == c.ID && c.Siblings.And(p.used) == (CPUSet{}) {
			n++
		}
	}
	if n >= 3 && n == p.free().Len() {
		n--
	}
	if w := p.req.widest(); w > 0 {
		n = min(n, w)
	}
	return max(n, 1)
}

// placeLcores puts n lcores on the best CPUs, and goes round again when these run out.
func (p *planner) placeLcores(n int) {
	want := p.demand(n)
	distinct := min(n, p.free().Len())
	for id := range n {
		if id >= distinct {
			l := p.Lcores[id-distinct]
			l.ID, l.Because = id, []string{"there are more lcores than CPUs"}
			p.Lcores = append(p.Lcores, l)
			continue
		}
		c := p.best(want)
		p.Lcores = append(p.Lcores, Lcore{
			ID: id, CPU: c.ID, Node: c.Node, Isolated: p.isolated.Has(c.ID), Because: p.because(c),
		})
		p.used.Add(c.ID)
		p.placed[c.Node]++
	}
}

// demand returns how many queues the ports of each node have.
func (p *planner) demand(lcores int) map[int]int {
	want := map[int]int{}
	for _, q := range p.req.Queues {
		if q.Node != Unknown {
			want[q.Node] += cmp.Or(q.Queues, lcores)
		}
	}
	return want
}

// best returns the free CPU to take next. Nodes get lcores in proportion to their ports' queues: the highest quotient of
// queues and lcores plus one is served first (D'Hondt).
func (p *planner) best(want map[int]int) CPU {
	quotient := func(c CPU) float64 { return float64(want[c.Node]) / float64(p.placed[c.Node]+1) }
	rank := func(a, b CPU) int {
		return cmp.Or(
			-compareBool(p.isolated.Has(a.ID), p.isolated.Has(b.ID)),
			cmp.Compare(a.Siblings.And(p.used).Len(), b.Siblings.And(p.used).Len()),
			-cmp.Compare(quotient(a), quotient(b)),
			cmp.Compare(a.ID, b.ID))
	}
	free := slices.DeleteFunc(slices.Clone(p.cpus), func(c CPU) bool { return p.used.Has(c.ID) })
	return slices.MinFunc(free, rank)
}

// because tells what speaks for a CPU, and what against it, at the moment it is taken.
func (p *planner) because(c CPU) (why []string) {
	if p.isolated.Has(c.ID) {
		why = append(why, "the scheduler leaves it alone")
	}
	switch busy := c.Siblings.And(p.used); {
	case p.ControlShared:
		why = append(why, "it is the only CPU")
	case busy.Len() > 0:
		why = append(why, fmt.Sprintf("no whole core is left (its core also runs CPU %s)", busy))
	default:
		why = append(why, "nothing else runs on its core")
	}
	var local []string
	for _, q := range p.req.Queues {
		if q.Node != Unknown && q.Node == c.Node {
			local = append(local, q.Port)
		}
	}
	if len(local) > 0 {
		why = append(why, "its node has "+strings.Join(local, ", "))
	}
	return why
}

// spreadQueues gives each queue to the lcore with the fewest queues of its port, then to one on the port's node, then to
// the one with the fewest queues at all.
func (p *planner) spreadQueues() {
	for _, port := range p.req.Queues {
		local := func(l *Lcore) bool { return port.Node == l.Node }
		of := make([]int, len(p.Lcores)) // queues of this port per lcore
		for q := range cmp.Or(port.Queues, len(p.Lcores)) {
			to := &p.Lcores[0]
			for i := range p.Lcores {
				l := &p.Lcores[i]
				if cmp.Or(cmp.Compare(of[l.ID], of[to.ID]), -compareBool(local(l), local(to)),
					cmp.Compare(len(l.Queues), len(to.Queues))) < 0 {
					to = l
				}
			}
			of[to.ID]++
			to.Queues = append(to.Queues, Queue{Port: port.Port, Queue: q, Remote: port.Node != Unknown && !local(to)})
		}
	}
}

// finish marks who shares a CPU and hands the placement out.
func (p *planner) finish() *Placement {
	on := map[int]int{}
	if p.ControlShared {
		on[p.Control]++
	}
	for _, l := range p.Lcores {
		on[l.CPU]++
	}
	for i := range p.Lcores {
		p.Lcores[i].Shared = on[p.Lcores[i].CPU] > 1
	}
	p.Spare = p.free()
	p.GOMAXPROCS = len(p.Lcores) + spareProcs
	return &p.Placement
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
