package numa

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
)

// tree is a /sys under construction: path to content.
type tree fstest.MapFS

func (tr tree) file(path, content string) tree {
	tr[path] = &fstest.MapFile{Data: []byte(content + "\n")}
	return tr
}

// cpus writes the CPU lists and, for each core, its threads.
func (tr tree) cpus(online, isolated string, cores ...string) tree {
	tr.file("devices/system/cpu/online", online).file("devices/system/cpu/isolated", isolated)
	for _, core := range cores {
		for cpu := range mustParse(core).All() {
			tr.file(fmt.Sprintf("devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu), core)
		}
	}
	return tr
}

// nodes writes one node for each CPU list, in order.
func (tr tree) nodes(cpus ...string) tree {
	tr.file("devices/system/node/online", fmt.Sprintf("0-%d", len(cpus)-1))
	for i, list := range cpus {
		tr.file(fmt.Sprintf("devices/system/node/node%d/cpulist", i), list)
	}
	return tr
}

// nic writes an interface of a PCI card, and the card.
func (tr tree) nic(name, pci, node string) tree {
	device := "devices/pci0000:00/" + pci
	tr["class/net/"+name] = link("../../" + device + "/net/" + name)
	tr["bus/pci/devices/"+pci] = link("../../../" + device)
	tr[device+"/net/"+name+"/device"] = link("../..")
	return tr.file(device+"/class", "0x020000").file(device+"/numa_node", node)
}

// link is a symbolic link.
func link(to string) *fstest.MapFile { return &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)} }

func mustParse(list string) CPUSet {
	s, err := ParseCPUList(list)
	if err != nil {
		panic(err)
	}
	return s
}

// discover reads the tree, which must be in order.
func (tr tree) discover(t *testing.T) *Topology {
	t.Helper()
	top, err := Discover(fstest.MapFS(tr))
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// The machines that the tests run on.

// vm has four CPUs and nothing to tell about them.
func vm() tree { return tree{}.cpus("0-3", "", "0", "1", "2", "3").nodes("0-3") }

// smt has four cores of two threads, numbered as Intel's are.
func smt() tree { return tree{}.cpus("0-7", "", "0,4", "1,5", "2,6", "3,7").nodes("0-7") }

// dual has two nodes of four cores, six isolated CPUs, and a card on node 1.
func dual() tree {
	return tree{}.cpus("0-7", "1-3,5-7", "0", "1", "2", "3", "4", "5", "6", "7").nodes("0-3", "4-7").
		nic("wan", "0000:81:00.0", "1")
}
