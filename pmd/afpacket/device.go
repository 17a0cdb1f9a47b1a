package afpacket

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

func init() {
	pmd.Register("afpacket", "IFNAME[,mtu=1500][,promisc]: Linux interface through AF_PACKET sockets (CAP_NET_RAW)", open)
}

// device is a device string taken apart.
type device struct {
	name    string // the whole, for Info
	ifname  string
	mtu     int // octets; 0: not given
	promisc bool
}

// parse reads "IFNAME[,mtu=N][,promisc]".
func parse(args string) (device, error) {
	words := strings.Split(args, ",")
	d := device{name: "afpacket:" + args, ifname: words[0]}
	if d.ifname == "" {
		return d, fmt.Errorf("interface %q: expected a name such as eth0", d.ifname)
	}
	for _, w := range words[1:] {
		value, isMTU := strings.CutPrefix(w, "mtu=")
		switch {
		case isMTU:
			n, err := strconv.Atoi(value)
			if err != nil || n <= 0 {
				return d, fmt.Errorf("mtu %q: expected octets", value)
			}
			d.mtu = n
		case w == "promisc":
			d.promisc = true
		default:
			return d, fmt.Errorf("argument %q: expected mtu= or promisc", w)
		}
	}
	return d, nil
}

// minMTU is what every network carries whole (RFC 791 3.2).
const minMTU = 68

// open opens a device string. The MTU is the argument's, else the configuration's, else the interface's, and never more
// than the interface's.
func open(args string, cfg pmd.Config) (pmd.Port, error) {
	d, err := parse(args)
	if err != nil {
		return nil, err
	}
	ifi, err := net.InterfaceByName(d.ifname)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w", d.ifname, err)
	}
	if len(ifi.HardwareAddr) != 6 {
		return nil, fmt.Errorf("interface %q: link address of %d octets, expected an Ethernet interface", d.ifname, len(ifi.HardwareAddr))
	}
	if d.mtu == 0 {
		d.mtu = cfg.MTU
	}
	if d.mtu == 0 {
		d.mtu = ifi.MTU
	}
	if d.mtu < minMTU || d.mtu > ifi.MTU {
		return nil, fmt.Errorf("interface %q: mtu %d, expected %d to the interface's %d", d.ifname, d.mtu, minMTU, ifi.MTU)
	}
	if err := checkPools(cfg); err != nil {
		return nil, err
	}
	return newPort(ifi, d, cfg)
}

// maxQueues is the largest fanout group every kernel accepts.
const maxQueues = 256

func checkPools(cfg pmd.Config) error {
	for _, pools := range [][]*mbuf.Pool{cfg.RxPools, cfg.TxPools} {
		if len(pools) > maxQueues {
			return fmt.Errorf("%d queues: expected at most %d", len(pools), maxQueues)
		}
		for i, pool := range pools {
			if pool == nil {
				return fmt.Errorf("queue %d: no mbuf pool", i)
			}
		}
	}
	return nil
}
