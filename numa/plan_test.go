package numa

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var seed = flag.Uint64("seed", 0, "seed of random tests, 0: a random one")

// plan plans on all CPUs of a machine, which must succeed.
func plan(t *testing.T, tr tree, req Request) *Placement {
	t.Helper()
	top := tr.discover(t)
	p, err := Plan(top, top.Online(), req)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cpusOf lists the lcores' CPUs in order of the lcores.
func cpusOf(p *Placement) (cpus []int) {
	for _, l := range p.Lcores {
		cpus = append(cpus, l.CPU)
	}
	return cpus
}

func TestPlanChoosesCPUs(t *testing.T) {
	wan1 := []PortQueues{{Port: "wan", Node: 1}}
	for _, c := range []struct {
		name    string
		machine tree
		req     Request
		cpus    []int
		control int
		spare   string
	}{
		{"auto leaves a CPU for the kernel", vm(), Request{Control: true}, []int{1, 2}, 0, "3"},
		{"auto without control core", vm(), Request{}, []int{0, 1, 2}, -1, "3"},
		{"auto on two CPUs", tree{}.cpus("0-1", ""), Request{Control: true}, []int{1}, 0, ""},
		{"auto keeps two lcores rather than a spare CPU", tree{}.cpus("0-2", ""), Request{Control: true}, []int{1, 2}, 0, ""},
		{"auto takes one thread per core", smt(), Request{Control: true}, []int{1, 2, 3}, 0, "4-7"},
		{"auto takes isolated CPUs only", dual(), Request{Control: true}, []int{1, 2, 3, 5, 6, 7}, 0, "4"},
		{"auto is no wider than the queues", vm(), Request{Control: true, Queues: []PortQueues{{"wan", 0, 1}, {"lan", 0, 1}}}, []int{1}, 0, "2-3"},
		{"auto with a port of one queue per lcore", vm(), Request{Control: true, Queues: []PortQueues{{"wan", 0, 1}, {"lan", 0, 0}}}, []int{1, 2}, 0, "3"},
		{"as many as there are", vm(), Request{Lcores: 3, Control: true}, []int{1, 2, 3}, 0, ""},
		{"second threads come last", smt(), Request{Lcores: 5, Control: true}, []int{1, 2, 3, 4, 5}, 0, "6-7"},
		{"the port's node comes first", dual(), Request{Lcores: 2, Control: true, Queues: wan1}, []int{5, 6}, 0, "1-4,7"},
		{"isolation before the port's node", dual(), Request{Lcores: 4, Control: true, Queues: wan1}, []int{5, 6, 7, 1}, 0, "2-4"},
		{"nodes in proportion to queues", dual(), Request{Lcores: 3, Control: true, Queues: []PortQueues{{"a", 0, 2}, {"b", 1, 4}}}, []int{5, 1, 6}, 0, "2-4,7"},
		{"control on an isolated CPU if there is no other", tree{}.cpus("0-2", "0-2"), Request{Lcores: 1, Control: true}, []int{1}, 0, "2"},
		{"overcommit goes round", tree{}.cpus("0-2", ""), Request{Lcores: 5, Control: true, Overcommit: true}, []int{1, 2, 1, 2, 1}, 0, ""},
		{"overcommit is not used without need", vm(), Request{Lcores: 2, Overcommit: true}, []int{0, 1}, -1, "2-3"},
		{"a lone CPU is shared", tree{}.cpus("0", ""), Request{Control: true}, []int{0}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, c.machine, c.req)
			if cpus := cpusOf(p); !slices.Equal(cpus, c.cpus) || p.Control != c.control || p.Spare.String() != c.spare {
				t.Errorf("lcores on %v, control on %d, spare %q; expected %v, %d, %q", cpus, p.Control, p.Spare, c.cpus, c.control, c.spare)
			}
			if p.GOMAXPROCS < len(c.cpus)+2 {
				t.Errorf("GOMAXPROCS %d for %d lcores, expected two more", p.GOMAXPROCS, len(c.cpus))
			}
		})
	}
}

func TestPlanMarksSharedCPUs(t *testing.T) {
	p := plan(t, tree{}.cpus("0-2", ""), Request{Lcores: 3, Control: true, Overcommit: true})
	for id, want := range []bool{true, false, true} {
		if p.Lcores[id].Shared != want {
			t.Errorf("lcore %d on CPU %d shared %t, expected %t", id, p.Lcores[id].CPU, p.Lcores[id].Shared, want)
		}
	}
	for _, req := range []Request{{Control: true}, {Lcores: 2, Control: true, Overcommit: true}} {
		lone := plan(t, tree{}.cpus("0", ""), req)
		if !lone.ControlShared || !lone.Lcores[0].Shared {
			t.Errorf("on one CPU: control shared %t, lcore shared %t; expected both", lone.ControlShared, lone.Lcores[0].Shared)
		}
	}
}

func TestPlanStaysInsideAllowedCPUs(t *testing.T) {
	top := dual().discover(t)
	p, err := Plan(top, mustParse("2,4-6,900"), Request{Lcores: 2, Control: true})
	if err != nil {
		t.Fatal(err)
	}
	if cpus := cpusOf(p); !slices.Equal(cpus, []int{2, 5}) || p.Control != 4 || p.Spare != NewCPUSet(6) {
		t.Errorf("lcores on %v, control on %d, spare %s; expected [2 5], 4, 6", cpus, p.Control, p.Spare)
	}
}

func TestPlanSpreadsQueues(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine tree
		req     Request
		want    []string // per lcore
	}{
		{"one of each port per lcore", vm(), Request{Lcores: 2, Queues: []PortQueues{{"wan", 0, 0}, {"lan", 0, 2}}},
			[]string{"port wan queue 0; port lan queue 0", "port wan queue 1; port lan queue 1"}},
		{"single queues on different lcores", vm(), Request{Lcores: 2, Queues: []PortQueues{{"wan", Unknown, 1}, {"lan", Unknown, 1}}},
			[]string{"port wan queue 0", "port lan queue 0"}},
		{"more queues than lcores", vm(), Request{Lcores: 2, Queues: []PortQueues{{"wan", 0, 5}}},
			[]string{"port wan queue 0, 2, 4", "port wan queue 1, 3"}},
		{"more lcores than queues", vm(), Request{Lcores: 2, Queues: []PortQueues{{"wan", 0, 1}}},
			[]string{"port wan queue 0", "no queue"}},
		// Lcores 0 and 2 are on node 1, 1 and 3 on node 0.
		{"to the port's node first", dual(), Request{Lcores: 4, Control: true, Queues: []PortQueues{{"a", 0, 2}, {"b", 1, 3}}},
			[]string{"port b queue 0", "port a queue 0; port b queue 2", "port b queue 1", "port a queue 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, c.machine, c.req)
			var got []string
			for _, l := range p.Lcores {
				got = append(got, l.serves())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, expected %q", got, c.want)
			}
			for _, l := range p.Lcores {
				for _, q := range l.Queues {
					node := c.req.Queues[slices.IndexFunc(c.req.Queues, func(r PortQueues) bool { return r.Port == q.Port })].Node
					if want := node != Unknown && node != l.Node; q.Remote != want {
						t.Errorf("lcore %d on node %d: %s queue %d remote %t, expected %t", l.ID, l.Node, q.Port, q.Queue, q.Remote, want)
					}
				}
			}
		})
	}
}

func TestPlanErrors(t *testing.T) {
	top := vm().discover(t)
	for _, c := range []struct {
		allowed string
		req     Request
		want    string
	}{
		{"0-3", Request{Lcores: 4, Control: true}, `placement: asked for 4 lcores and a control core, which takes 5 CPUs: have 4 ("0-3")`},
		{"1,3", Request{Lcores: 3}, `placement: asked for 3 lcores, which takes 3 CPUs: have 2 ("1,3")`},
		{"2", Request{Lcores: 1, Control: true}, `placement: asked for 1 lcore and a control core, which takes 2 CPUs: have 1 ("2")`},
		{"8-9", Request{}, `placement: no CPU to run on: allowed are "8-9", online "0-3"`},
		{"0-3", Request{Lcores: -1}, `placement: got -1 lcores, expected 0 (automatic) to 1024`},
		{"0-3", Request{Lcores: 1025, Overcommit: true}, `placement: got 1025 lcores, expected 0 (automatic) to 1024`},
		{"0-3", Request{Queues: []PortQueues{{"wan", 0, -1}}}, `placement: port "wan": got -1 queues, expected 0 (one per lcore) to 1024`},
		{"0-3", Request{Queues: []PortQueues{{"wan", 0, 1}, {"wan", 0, 1}}}, `placement: port "wan" is there twice`},
	} {
		p, err := Plan(top, mustParse(c.allowed), c.req)
		if err == nil || err.Error() != c.want || p != nil {
			t.Errorf("got %v, %v; expected %s", p, err, c.want)
		}
	}
	var short *ShortError
	if _, err := Plan(top, top.Online(), Request{Lcores: 9}); !errors.As(err, &short) || short.Lcores != 9 || short.Have.Len() != 4 {
		t.Errorf("error %v, expected a ShortError with 9 and 4", err)
	}
}

// On random machines: every queue is served once, no CPU twice unless asked for, the control core is alone, ports are
// spread evenly, and planning again gives the same.
func TestPlanHoldsItsPromisesOnRandomMachines(t *testing.T) {
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	r := rand.New(rand.NewPCG(s, 0))
	for range 500 {
		top, req := randomMachine(r), randomRequest(r)
		p, err := Plan(top, top.Online(), req)
		if err != nil {
			var short *ShortError
			if !errors.As(err, &short) || req.Lcores == 0 || req.Overcommit {
				t.Fatalf("%+v on %s: %v", req, top.Online(), err)
			}
			continue
		}
		checkPlacement(t, top, req, p)
		if again, err := Plan(top, top.Online(), req); err != nil || !cmp.Equal(p, again) {
			t.Fatalf("second plan differs: %v\n%s", err, cmp.Diff(p, again))
		}
	}
}

// randomMachine has up to 32 CPUs on up to 4 nodes, of one or two threads per core, some isolated.
func randomMachine(r *rand.Rand) *Topology {
	top := &Topology{}
	cores, threads, nodes := 1+r.IntN(16), 1+r.IntN(2), 1+r.IntN(4)
	for id := range cores * threads {
		c := CPU{ID: id, Node: id % cores * nodes / cores}
		for th := range threads {
			c.Siblings.Add(id%cores + th*cores)
		}
		top.CPUs = append(top.CPUs, c)
		if r.IntN(3) == 0 {
			top.Isolated.Add(id)
		}
	}
	return top
}

func randomRequest(r *rand.Rand) Request {
	req := Request{Lcores: r.IntN(20), Control: r.IntN(2) == 0, Overcommit: r.IntN(2) == 0}
	for i := range r.IntN(4) {
		req.Queues = append(req.Queues, PortQueues{fmt.Sprint("p", i), r.IntN(5) - 1, r.IntN(9)})
	}
	return req
}

func checkPlacement(t *testing.T, top *Topology, req Request, p *Placement) {
	t.Helper()
	uses := map[int]int{}
	served := map[string]int{}
	for _, l := range p.Lcores {
		uses[l.CPU]++
		perPort := map[string]int{}
		for _, q := range l.Queues {
			perPort[q.Port]++
			served[fmt.Sprintf("%s/%d", q.Port, q.Queue)]++
		}
		for _, port := range req.Queues {
			total := port.Queues
			if total == 0 {
				total = len(p.Lcores)
			}
			if n := perPort[port.Port]; n != total/len(p.Lcores) && n != (total+len(p.Lcores)-1)/len(p.Lcores) {
				t.Errorf("lcore %d has %d of %d queues of %s, %d lcores", l.ID, n, total, port.Port, len(p.Lcores))
			}
		}
	}
	for q, n := range served {
		if n != 1 {
			t.Errorf("queue %s served %d times", q, n)
		}
	}
	if req.Lcores != 0 && len(p.Lcores) != req.Lcores {
		t.Errorf("%d lcores, asked for %d", len(p.Lcores), req.Lcores)
	}
	if len(uses) < len(p.Lcores) && !req.Overcommit || len(uses) < len(p.Lcores) && p.Spare.Len() > 0 {
		t.Errorf("%d lcores on %d CPUs, overcommit %t, spare %s", len(p.Lcores), len(uses), req.Overcommit, p.Spare)
	}
	if req.Control && uses[p.Control] > 0 && len(top.CPUs) > 1 {
		t.Errorf("control core shares CPU %d", p.Control)
	}
	if n := len(top.CPUs) - len(uses) - p.Spare.Len(); n != 0 && (n != 1 || !req.Control) {
		t.Errorf("%d CPUs, %d with lcores, spare %s, control %t", len(top.CPUs), len(uses), p.Spare, req.Control)
	}
}

func TestPlacementJSON(t *testing.T) {
	text, err := json.Marshal(plan(t, tree{}.cpus("0-1", "1"), Request{Control: true, Queues: []PortQueues{{"wan", 0, 1}}}))
	const want = `{"lcores":[{"id":0,"cpu":1,"node":0,"isolated":true,"shared":false,"queues":[{"port":"wan","queue":0,"remote":false}],` +
		`"because":["the scheduler leaves it alone","nothing else runs on its core","its node has wan"]}],` +
		`"control":0,"control_shared":false,"spare":"","gomaxprocs":3}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v\nexpected %s", text, err, want)
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		got  *Placement
		want []string
	}{
		{"isolated, two nodes", plan(t, dual(), Request{Lcores: 2, Control: true, Queues: []PortQueues{{"wan", 1, 0}, {"lan", 0, 1}}}), []string{
			"lcore 0 runs on CPU 5 (node 1, isolated): port wan queue 0, because the scheduler leaves it alone, nothing else runs on its core, its node has wan",
			"lcore 1 runs on CPU 1 (node 0, isolated): port wan queue 1; port lan queue 0, because the scheduler leaves it alone, nothing else runs on its core, its node has lan",
			"control core runs on CPU 0, because the kernel works on the lowest ordinary CPUs too",
			"left free for the kernel and the Go runtime: CPU 2-4,6-7",
			"GOMAXPROCS must be at least 4: 2 lcores and 2 for the rest of the program",
			"port wan queue 1 is served from node 0, and the port is on another",
		}},
		{"second threads", plan(t, tree{}.cpus("0-3", "", "0,2", "1,3"), Request{Lcores: 2, Control: true}), []string{
			"lcore 0 runs on CPU 1 (node 0): no queue, because nothing else runs on its core",
			"lcore 1 runs on CPU 2 (node 0): no queue, because no whole core is left (its core also runs CPU 0)",
			"control core runs on CPU 0, because the kernel works on the lowest ordinary CPUs too",
			"left free for the kernel and the Go runtime: CPU 3",
			"GOMAXPROCS must be at least 4: 2 lcores and 2 for the rest of the program",
			"not isolated: CPU 1-2; the scheduler may put other work there, isolcpus=1-2 on the kernel's command line prevents it",
		}},
		{"lone CPU, overcommitted", plan(t, tree{}.cpus("0", ""), Request{Lcores: 2, Control: true, Overcommit: true}), []string{
			"lcore 0 runs on CPU 0 (node 0, shared): no queue, because it is the only CPU",
			"lcore 1 runs on CPU 0 (node 0, shared): no queue, because there are more lcores than CPUs",
			"control core runs on CPU 0, shared with an lcore, because it is the only CPU",
			"no CPU stays free for the kernel and the Go runtime: they will take time from the others",
			"GOMAXPROCS must be at least 4: 2 lcores and 2 for the rest of the program",
			"not isolated: CPU 0; the scheduler may put other work there, isolcpus=0 on the kernel's command line prevents it",
		}},
		{"no control core, no node", plan(t, tree{}.cpus("0-1", "1").nodes("0"), Request{Lcores: 1}), []string{
			"lcore 0 runs on CPU 1 (node unknown, isolated): no queue, because the scheduler leaves it alone, nothing else runs on its core",
			"no CPU is kept for the control core, because none was asked for",
			"left free for the kernel and the Go runtime: CPU 0",
			"GOMAXPROCS must be at least 3: 1 lcore and 2 for the rest of the program",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Join(c.want, "\n")+"\n", c.got.Explain()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
