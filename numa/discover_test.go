package numa

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestDiscoverOneNode(t *testing.T) {
	got := vm().discover(t)
	want := &Topology{Nodes: []Node{{ID: 0, CPUs: NewCPUSet(0, 1, 2, 3)}}}
	for id := range 4 {
		want.CPUs = append(want.CPUs, CPU{ID: id, Node: 0, Siblings: NewCPUSet(id)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDiscoverTwoNodesWithIsolatedCPUs(t *testing.T) {
	got := dual().discover(t)
	for _, c := range got.CPUs {
		if c.Node != c.ID/4 {
			t.Errorf("cpu %d on node %d, expected %d", c.ID, c.Node, c.ID/4)
		}
	}
	if got.Isolated != mustParse("1-3,5-7") {
		t.Errorf("isolated %s", got.Isolated)
	}
	if len(got.Nodes) != 2 || got.Nodes[1].CPUs != mustParse("4-7") {
		t.Errorf("nodes %+v", got.Nodes)
	}
}

func TestDiscoverSiblings(t *testing.T) {
	for _, c := range smt().discover(t).CPUs {
		if want := NewCPUSet(c.ID%4, c.ID%4+4); c.Siblings != want {
			t.Errorf("cpu %d: siblings %s, expected %s", c.ID, c.Siblings, want)
		}
	}
}

// CPUs that are off appear nowhere, though siblings, nodes and isolated still list them.
func TestDiscoverLeavesOutOfflineCPUs(t *testing.T) {
	got := tree{}.cpus("0-1,4", "2-4", "0,4", "1,5").nodes("0-7").discover(t)
	online := NewCPUSet(0, 1, 4)
	if got.Online() != online || got.Nodes[0].CPUs != online || got.Isolated != NewCPUSet(4) {
		t.Errorf("online %s, node %s, isolated %s", got.Online(), got.Nodes[0].CPUs, got.Isolated)
	}
	if s := got.CPUs[1].Siblings; s != NewCPUSet(1) {
		t.Errorf("cpu 1: siblings %s, expected only itself, 5 is off", s)
	}
}

func TestDiscoverEmptyTreeFallsBackToAffinity(t *testing.T) {
	allowed, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	got := tree{}.discover(t)
	if got.Online() != allowed || len(got.Nodes) != 1 || got.Nodes[0].CPUs != allowed || len(got.NICs) != 0 {
		t.Errorf("got %+v, expected one node with the CPUs %s", got, allowed)
	}
	for _, c := range got.CPUs {
		if c.Node != 0 || c.Siblings != NewCPUSet(c.ID) {
			t.Errorf("cpu %+v, expected node 0 and no siblings", c)
		}
	}
}

func TestDiscoverMemoryOnlyNodeAndHomelessCPU(t *testing.T) {
	got := tree{}.cpus("0-2", "").nodes("0-1", "").discover(t)
	if len(got.Nodes) != 2 || got.Nodes[1].CPUs.Len() != 0 {
		t.Errorf("nodes %+v, expected a second one without CPUs", got.Nodes)
	}
	if got.CPUs[2].Node != Unknown {
		t.Errorf("cpu 2 on node %d, no node lists it", got.CPUs[2].Node)
	}
}

func TestDiscoverHugePages(t *testing.T) {
	perNode := dual().
		file("devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "512").
		file("devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "500").
		file("devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages", "4").
		discover(t)
	want := []HugePage{{Octets: 2 << 20, Total: 512, Free: 500}, {Octets: 1 << 30, Total: 4}}
	if !slices.Equal(perNode.Nodes[1].HugePages, want) || len(perNode.Nodes[0].HugePages) != 0 {
		t.Errorf("nodes %+v, expected %+v on node 1", perNode.Nodes, want)
	}
	noNodes := tree{}.cpus("0", "").file("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "7").discover(t)
	if want := []HugePage{{Octets: 2 << 20, Total: 7}}; !slices.Equal(noNodes.Nodes[0].HugePages, want) {
		t.Errorf("nodes %+v, expected %+v", noNodes.Nodes, want)
	}
}

func TestDiscoverNICs(t *testing.T) {
	tr := dual().nic("lan", "0000:3b:00.1", "0").nic("vm0", "0000:00:03.0", "-1").
		file("devices/pci0000:80/0000:82:00.0/class", "0x020000").
		file("devices/pci0000:80/0000:82:00.0/numa_node", "1").
		file("devices/pci0000:80/0000:83:00.0/class", "0x010802").
		file("class/net/bonding_masters", "").
		file("devices/virtual/net/lo/mtu", "65536")
	tr["class/net/lo"] = link("../../devices/virtual/net/lo")
	tr["bus/pci/devices/0000:82:00.0"] = link("../../../devices/pci0000:80/0000:82:00.0")
	tr["bus/pci/devices/0000:83:00.0"] = link("../../../devices/pci0000:80/0000:83:00.0")
	// virtio: the interface's device is not the PCI card but sits on it.
	tr["class/net/ens4"] = link("../../devices/pci0000:00/0000:00:04.0/virtio2/net/ens4")
	tr["devices/pci0000:00/0000:00:04.0/virtio2/net/ens4/device"] = link("../..")
	tr["bus/pci/devices/0000:00:04.0"] = link("../../../devices/pci0000:00/0000:00:04.0")
	tr.file("devices/pci0000:00/0000:00:04.0/class", "0x020000").file("devices/pci0000:00/0000:00:04.0/numa_node", "1").
		file("devices/pci0000:00/0000:00:04.0/virtio2/uevent", "DRIVER=virtio_net")
	got := tr.discover(t)
	want := []NIC{
		{Name: "ens4", PCI: "0000:00:04.0", Node: 1},
		{Name: "lan", PCI: "0000:3b:00.1", Node: 0},
		{Name: "vm0", PCI: "0000:00:03.0", Node: Unknown},
		{Name: "wan", PCI: "0000:81:00.0", Node: 1},
		{PCI: "0000:82:00.0", Node: 1},
	}
	if diff := cmp.Diff(want, got.NICs); diff != "" {
		t.Error(diff)
	}
	for device, node := range map[string]int{
		"lan": 0, "wan": 1, "0000:82:00.0": 1, "0000:3B:00.1": 0, "vm0": Unknown, "lo": Unknown, "none": Unknown, "": Unknown,
	} {
		if got := got.DeviceNode(device); got != node {
			t.Errorf("device %q on node %d, expected %d", device, got, node)
		}
	}
}

func TestDiscoverRefusesGarbage(t *testing.T) {
	for path, content := range map[string]string{
		"devices/system/cpu/online":                                           "0-x",
		"devices/system/cpu/isolated":                                         "some",
		"devices/system/cpu/cpu1/topology/thread_siblings_list":               "0",
		"devices/system/cpu/cpu2/topology/thread_siblings_list":               "2;6",
		"devices/system/node/online":                                          "0-9999",
		"devices/system/node/node1/cpulist":                                   "4-",
		"devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages":   "-1",
		"devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages": "lots",
		"devices/pci0000:00/0000:81:00.0/numa_node":                           "-2",
	} {
		t.Run(path, func(t *testing.T) {
			_, err := Discover(fstest.MapFS(dual().file(path, content)))
			var file *FileError
			if !errors.As(err, &file) {
				t.Fatalf("error %v, expected a FileError", err)
			}
			// A link leads to the card's file by another path.
			if file.Path != path && !strings.HasSuffix(file.Path, "/numa_node") || file.Content != content {
				t.Errorf("error names %s with %q, expected %s with %q", file.Path, file.Content, path, content)
			}
		})
	}
}

func TestDiscoverRefusesNoCPUAndOddPageSizes(t *testing.T) {
	for path, want := range map[string]string{
		"devices/system/cpu/online":                                      `/sys/devices/system/cpu/online: got "", expected at least one CPU`,
		"devices/system/node/node0/hugepages/hugepages-0kB/nr_hugepages": `/sys/devices/system/node/node0/hugepages: got "hugepages-0kB", expected a directory such as "hugepages-2048kB"`,
	} {
		_, err := Discover(fstest.MapFS(vm().file(path, "")))
		if err == nil || err.Error() != want {
			t.Errorf("error %v, expected %s", err, want)
		}
	}
}

func TestDiscoverThisMachine(t *testing.T) {
	if _, err := os.Stat("/sys/devices/system/cpu/online"); err != nil {
		t.Skip("SKIP: /sys is not there")
	}
	got, err := Discover(os.DirFS("/sys"))
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	if allowed.AndNot(got.Online()) != (CPUSet{}) {
		t.Errorf("online %s, but this thread may run on %s", got.Online(), allowed)
	}
}
