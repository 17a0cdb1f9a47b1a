package numa

import (
	"fmt"
	"strings"
)

// Explain tells the placement in words, one decision a line, each line ended.
func (p *Placement) Explain() string {
	var b strings.Builder
	for _, l := range p.Lcores {
		fmt.Fprintf(&b, "lcore %d runs on CPU %d (%s): %s, because %s\n", l.ID, l.CPU, l.attributes(), l.serves(), strings.Join(l.Because, ", "))
	}
	p.explainControl(&b)
	if p.Spare.Len() > 0 {
		fmt.Fprintf(&b, "left free for the kernel and the Go runtime: CPU %s\n", p.Spare)
	} else {
		b.WriteString("no CPU stays free for the kernel and the Go runtime: they will take time from the others\n")
	}
	fmt.Fprintf(&b, "GOMAXPROCS must be at least %d: %s and %d for the rest of the program\n", p.GOMAXPROCS, lcores(len(p.Lcores)), spareProcs)
	p.warn(&b)
	return b.String()
}

// explainControl tells where the control core is.
func (p *Placement) explainControl(b *strings.Builder) {
	switch {
	case p.Control < 0:
		b.WriteString("no CPU is kept for the control core, because none was asked for\n")
	case p.ControlShared:
		fmt.Fprintf(b, "control core runs on CPU %d, shared with an lcore, because it is the only CPU\n", p.Control)
	default:
		fmt.Fprintf(b, "control core runs on CPU %d, because the kernel works on the lowest ordinary CPUs too\n", p.Control)
	}
}

// warn names what will cost performance.
func (p *Placement) warn(b *strings.Builder) {
	var disturbed CPUSet
	for _, l := range p.Lcores {
		if !l.Isolated {
			disturbed.Add(l.CPU)
		}
		for _, q := range l.Queues {
			if q.Remote {
				fmt.Fprintf(b, "port %s queue %d is served from node %s, and the port is on another\n", q.Port, q.Queue, nodeName(l.Node))
			}
		}
	}
	if disturbed.Len() > 0 {
		fmt.Fprintf(b, "not isolated: CPU %s; the scheduler may put other work there, isolcpus=%s on the kernel's command line prevents it\n",
			disturbed, disturbed)
	}
}

// attributes names the node and the flags.
func (l *Lcore) attributes() string {
	s := "node " + nodeName(l.Node)
	if l.Isolated {
		s += ", isolated"
	}
	if l.Shared {
		s += ", shared"
	}
	return s
}

// serves lists the queues, grouped by port as they were spread.
func (l *Lcore) serves() string {
	if len(l.Queues) == 0 {
		return "no queue"
	}
	var b strings.Builder
	for i, q := range l.Queues {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "port %s queue %d", q.Port, q.Queue)
		case q.Port == l.Queues[i-1].Port:
			fmt.Fprintf(&b, ", %d", q.Queue)
		default:
			fmt.Fprintf(&b, "; port %s queue %d", q.Port, q.Queue)
		}
	}
	return b.String()
}

func nodeName(node int) string {
	if node == Unknown {
		return "unknown"
	}
	return fmt.Sprint(node)
}

// lcores counts lcores in words.
func lcores(n int) string {
	if n == 1 {
		return "1 lcore"
	}
	return fmt.Sprintf("%d lcores", n)
}
