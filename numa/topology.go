// Package numa knows the machine: which CPUs there are, which share a core, a memory node or a network card, and which the
// kernel keeps its hands off. It pins threads and plans which CPU each lcore runs on and which queues it serves.
//
// It reads /sys through an fs.FS, so that tests bring machines of their own, and writes nothing there: hugepages, CPU
// isolation and interrupt affinity are the operator's.
package numa

import "strings"

// Unknown is the node of what has none, or of what the machine does not tell.
const Unknown = -1

// Topology is what Discover found. Immutable after Discover, safe for concurrent use.
type Topology struct {
	CPUs     []CPU  `json:"cpus"`     // the online ones, in order of their numbers
	Nodes    []Node `json:"nodes"`    // in order of their numbers, never empty
	NICs     []NIC  `json:"nics"`     // interfaces in order of their names, then network cards without one by address
	Isolated CPUSet `json:"isolated"` // online CPUs that the scheduler leaves alone (isolcpus=)
}

// CPU is one hardware thread.
type CPU struct {
	ID       int    `json:"id"`
	Node     int    `json:"node"`     // Unknown when no node lists it
	Siblings CPUSet `json:"siblings"` // online threads of its core, itself included
}

// Node is a memory node with the CPUs close to it; some nodes have none.
type Node struct {
	ID        int        `json:"id"`
	CPUs      CPUSet     `json:"cpus"`
	HugePages []HugePage `json:"huge_pages,omitempty"` // by size, the smallest first
}

// HugePage is a node's stock of one size of huge pages.
type HugePage struct {
	Octets int64 `json:"octets"`
	Total  int   `json:"total"`
	Free   int   `json:"free"`
}

// NIC is a network interface, or a network card that no kernel driver holds, such as one given to DPDK.
type NIC struct {
	Name string `json:"name,omitempty"` // interface name, "" for a card without one
	PCI  string `json:"pci,omitempty"`  // "0000:3b:00.0", "" for what is not behind PCI
	Node int    `json:"node"`
}

// Online returns all online CPUs.
func (t *Topology) Online() (s CPUSet) {
	for _, c := range t.CPUs {
		s.Add(c.ID)
	}
	return s
}

// DeviceNode returns the node of a network device, named by its interface or PCI address; Unknown when there is no such
// device or the machine does not tell.
func (t *Topology) DeviceNode(device string) int {
	for _, n := range t.NICs {
		if device != "" && (n.Name == device || strings.EqualFold(n.PCI, device)) {
			return n.Node
		}
	}
	return Unknown
}
