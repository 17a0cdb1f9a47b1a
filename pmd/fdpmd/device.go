package fdpmd

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"stillwater/pmd"
)

func init() {
	pmd.Register("fd", "N[,link=ethernet|raw][,mac=52:54:00:00:00:02]: inherited socket N, one frame per message", open)
}

// open opens "N[,key=value]...".
func open(args string, cfg pmd.Config) (pmd.Port, error) {
	fd, opts, err := parse(args)
	if err != nil {
		return nil, err
	}
	return New(fd, cfg, opts)
}

// parse reads the arguments of a device string.
func parse(args string) (fd int, opts Options, err error) {
	words := strings.Split(args, ",")
	n, err := strconv.ParseUint(words[0], 10, 31)
	if err != nil {
		return 0, opts, fmt.Errorf("file descriptor %q: expected a number", words[0])
	}
	opts.Name = "fd:" + args
	for _, w := range words[1:] {
		if err := opts.set(w); err != nil {
			return 0, opts, err
		}
	}
	return int(n), opts, nil
}

// set applies one key=value word.
func (o *Options) set(word string) error {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "link":
		switch value {
		case pmd.Ethernet.String():
			o.Link = pmd.Ethernet
		case pmd.RawIP.String():
			o.Link = pmd.RawIP
		default:
			return fmt.Errorf("link %q: expected ethernet or raw", value)
		}
	case "mac":
		mac, err := net.ParseMAC(value)
		if err != nil || len(mac) != len(o.MAC) || mac[0]&1 != 0 {
			return fmt.Errorf("mac %q: expected a unicast Ethernet address such as 52:54:00:00:00:02", value)
		}
		copy(o.MAC[:], mac)
	default:
		return fmt.Errorf("argument %q: expected link= or mac=", word)
	}
	return nil
}
