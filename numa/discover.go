package numa

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Discover reads the topology from a tree rooted at /sys, usually os.DirFS("/sys"). What is absent is filled in: without
// CPU lists the CPUs of Affinity, without nodes a single node 0, without siblings one thread per core. What is there and
// makes no sense is a *FileError.
func Discover(fsys fs.FS) (*Topology, error) {
	s := sysfs{fsys}
	online, err := s.online()
	if err != nil {
		return nil, err
	}
	t := &Topology{}
	if t.Nodes, err = s.nodes(online); err != nil {
		return nil, err
	}
	isolated, _, err := s.cpus("devices/system/cpu/isolated")
	if err != nil {
		return nil, err
	}
	t.Isolated = isolated.And(online)
	for id := range online.All() {
		c, err := s.cpu(id, online, t.Nodes)
		if err != nil {
			return nil, err
		}
		t.CPUs = append(t.CPUs, c)
	}
	t.NICs, err = s.nics()
	return t, err
}

// online returns the CPUs that run.
func (s sysfs) online() (CPUSet, error) {
	const path = "devices/system/cpu/online"
	set, found, err := s.cpus(path)
	switch {
	case err != nil:
		return CPUSet{}, err
	case !found:
		return Affinity()
	case set == CPUSet{}:
		return CPUSet{}, &FileError{Path: path, Want: "at least one CPU"}
	}
	return set, nil
}

// cpu describes one CPU.
func (s sysfs) cpu(id int, online CPUSet, nodes []Node) (CPU, error) {
	c := CPU{ID: id, Node: Unknown, Siblings: NewCPUSet(id)}
	for _, n := range nodes {
		if n.CPUs.Has(id) {
			c.Node = n.ID
		}
	}
	path := fmt.Sprintf("devices/system/cpu/cpu%d/topology/thread_siblings_list", id)
	set, found, err := s.cpus(path)
	if err != nil {
		return c, err
	}
	if found && !set.Has(id) {
		return c, &FileError{Path: path, Content: set.String(), Want: fmt.Sprintf("a list with cpu %d", id)}
	}
	if found {
		c.Siblings = set.And(online)
	}
	return c, nil
}

// nodes returns the memory nodes with their online CPUs. A machine without the directory has one node.
func (s sysfs) nodes(online CPUSet) ([]Node, error) {
	const root = "devices/system/node"
	ids, found, err := s.cpus(root + "/online")
	if err != nil {
		return nil, err
	}
	if !found || ids == (CPUSet{}) {
		pages, err := s.hugePages("kernel/mm/hugepages")
		return []Node{{ID: 0, CPUs: online, HugePages: pages}}, err
	}
	var nodes []Node
	for id := range ids.All() {
		dir := fmt.Sprintf("%s/node%d", root, id)
		cpus, _, err := s.cpus(dir + "/cpulist")
		if err != nil {
			return nil, err
		}
		pages, err := s.hugePages(dir + "/hugepages")
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, Node{ID: id, CPUs: cpus.And(online), HugePages: pages})
	}
	return nodes, nil
}

// hugePages reads a directory of "hugepages-2048kB" and the like.
func (s sysfs) hugePages(dir string) (pages []HugePage, err error) {
	names, err := s.names(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		kib, isSize := strings.CutPrefix(name, "hugepages-")
		if !isSize {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(kib, "kB"), 10, 40)
		if err != nil || n == 0 {
			return nil, &FileError{Path: dir, Content: name, Want: "a directory such as \"hugepages-2048kB\"", Err: err}
		}
		p := HugePage{Octets: int64(n) << 10}
		if p.Total, _, err = s.number(dir+"/"+name+"/nr_hugepages", 0); err != nil {
			return nil, err
		}
		if p.Free, _, err = s.number(dir+"/"+name+"/free_hugepages", 0); err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	slices.SortFunc(pages, func(a, b HugePage) int { return cmp.Compare(a.Octets, b.Octets) })
	return pages, nil
}
