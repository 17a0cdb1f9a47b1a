package pcappmd

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"stillwater/pmd"
)

const help = "rx=FILE[,tx=FILE][,loop=N][,pace=none|time][,link=auto|ethernet|raw][,mac=..]: replay a pcap or pcapng file, record to a " +
	"pcap file; loop=0 replays for ever"

func init() { pmd.Register("pcap", help, open) }

// device is a parsed device string.
type device struct {
	rx, tx string
	loops  int // 0: for ever
	timed  bool
	link   string
	mac    [6]byte
}

// settings are the arguments of the device string, each with what it expects, for errors. File names have no commas.
var settings = map[string]struct {
	expects string
	set     func(d *device, v string) bool
}{
	"rx":   {"a file name", func(d *device, v string) bool { d.rx = v; return v != "" }},
	"tx":   {"a file name", func(d *device, v string) bool { d.tx = v; return v != "" }},
	"loop": {"a number of rounds, 0 for no end", setLoop},
	"pace": {"none or time", func(d *device, v string) bool { d.timed = v == "time"; return d.timed || v == "none" }},
	"link": {"auto, ethernet or raw", func(d *device, v string) bool { d.link = v; return v == "auto" || v == "ethernet" || v == "raw" }},
	"mac":  {"a unicast address such as 02:00:00:00:00:01", setMAC},
}

func setLoop(d *device, v string) bool {
	n, err := strconv.Atoi(v)
	d.loops = n
	return err == nil && n >= 0
}

func setMAC(d *device, v string) bool {
	mac, err := net.ParseMAC(v)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		return false
	}
	d.mac = [6]byte(mac)
	return true
}

// parseDevice reads "key=value,...".
func parseDevice(args string) (device, error) {
	d := device{loops: 1, link: "auto", mac: [6]byte{0x02, 'S', 'W', 'c', 'a', 'p'}}
	seen := map[string]bool{}
	for f := range strings.SplitSeq(args, ",") {
		key, value, _ := strings.Cut(f, "=")
		s, ok := settings[key]
		switch {
		case !ok:
			return d, fmt.Errorf("unknown setting %q, expected one of: link, loop, mac, pace, rx, tx", key)
		case seen[key]:
			return d, fmt.Errorf("setting %q is given twice", key)
		case !s.set(&d, value):
			return d, fmt.Errorf("%s=%q, expected %s", key, value, s.expects)
		}
		seen[key] = true
	}
	if d.rx == "" && d.tx == "" {
		return d, fmt.Errorf("neither rx=FILE nor tx=FILE is given")
	}
	return d, nil
}

// linkOf decides what the port's packets start with: the replayed file says, and link= must agree with it.
func (d *device) linkOf(c *capture) (pmd.Link, error) {
	wanted := map[string]pmd.Link{"auto": pmd.Ethernet, "ethernet": pmd.Ethernet, "raw": pmd.RawIP}[d.link]
	if c == nil {
		return wanted, nil
	}
	if d.link != "auto" && wanted != c.link {
		return wanted, fmt.Errorf("link=%v, but the file %s has link type %v", wanted, d.rx, linkTypeOf(c.link))
	}
	return c.link, nil
}
