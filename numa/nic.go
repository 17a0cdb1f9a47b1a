package numa

import (
	"io/fs"
	"regexp"
	"strings"
)

// pciAddress is domain, bus, device and function, as sysfs writes them.
var pciAddress = regexp.MustCompile(`^[0-9a-f]{4,}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`)

const pciDevices = "bus/pci/devices/"

// nics returns all interfaces but virtual ones, then the network cards that have no interface.
func (s sysfs) nics() ([]NIC, error) {
	names, err := s.names("class/net")
	if err != nil {
		return nil, err
	}
	var nics []NIC
	named := map[string]bool{}
	for _, name := range names {
		nic, physical, err := s.nic(name)
		if err != nil {
			return nil, err
		}
		if physical {
			nics = append(nics, nic)
			named[nic.PCI] = true
		}
	}
	free, err := s.unboundNICs(named)
	return append(nics, free...), err
}

// nic describes an interface; physical is false where no device is behind it.
func (s sysfs) nic(name string) (nic NIC, physical bool, err error) {
	dir := "class/net/" + name
	nic = NIC{Name: name, PCI: s.pciOf(dir), Node: Unknown}
	node, found, err := s.number(dir+"/device/numa_node", Unknown)
	if err != nil {
		return nic, false, err
	}
	// A virtio interface's device is on the virtio bus and tells no node: the PCI card it sits on does.
	if !found && nic.PCI != "" {
		if node, found, err = s.number(pciDevices+nic.PCI+"/numa_node", Unknown); err != nil {
			return nic, false, err
		}
	}
	if found {
		nic.Node = node
	}
	_, statErr := fs.Stat(s, dir+"/device")
	return nic, found || nic.PCI != "" || statErr == nil, nil
}

// pciOf returns the PCI address nearest to an interface in the device tree that its class entry links into.
func (s sysfs) pciOf(dir string) (address string) {
	target, err := fs.ReadLink(s.FS, dir)
	if err != nil {
		return "" // a copy of a tree without links
	}
	for part := range strings.SplitSeq(target, "/") {
		if pciAddress.MatchString(part) {
			address = part
		}
	}
	return address
}

// unboundNICs returns the PCI network controllers whose address is not in named.
func (s sysfs) unboundNICs(named map[string]bool) (nics []NIC, err error) {
	addresses, err := s.names(strings.TrimSuffix(pciDevices, "/"))
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		class, _, err := s.text(pciDevices + a + "/class")
		if err != nil {
			return nil, err
		}
		const networkController = "0x02" // PCI Code and ID Assignment 1.3: base class 02h
		if named[a] || !strings.HasPrefix(class, networkController) {
			continue
		}
		nic := NIC{PCI: a, Node: Unknown}
		if node, found, err := s.number(pciDevices+a+"/numa_node", Unknown); err != nil {
			return nil, err
		} else if found {
			nic.Node = node
		}
		nics = append(nics, nic)
	}
	return nics, nil
}
