package softpmd

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"
	"time"

	"stillwater/pmd"
)

// device is a parsed device string.
type device struct {
	name string
	end  End
	link pmd.Link
	mac  [6]byte
	hash steering
	ring int
	seed uint64
	im   Impairment
}

// steering is a way to spread received packets, and its name in Info.
type steering struct {
	hash HashFunc
	name string
}

// settings are the arguments of the device string, each with what it expects, for errors.
var settings = map[string]struct {
	expects string
	set     func(d *device, v string) error
}{
	"end":           {"a or b", func(d *device, v string) error { return choose(v, &d.end, map[string]End{"a": A, "b": B}) }},
	"link":          {"ethernet or raw", setLink},
	"mac":           {"a unicast address such as 02:00:00:00:00:01", setMAC},
	"hash":          {"toeplitz, spi or none", setHash},
	"ring":          {"a power of two", func(d *device, v string) (err error) { d.ring, err = strconv.Atoi(v); return err }},
	"seed":          {"a number", func(d *device, v string) (err error) { d.seed, err = strconv.ParseUint(v, 0, 64); return err }},
	"delay":         {"a duration such as 1ms", func(d *device, v string) error { return setDuration(&d.im.Delay, v) }},
	"jitter":        {"a duration such as 1ms", func(d *device, v string) error { return setDuration(&d.im.Jitter, v) }},
	"reorder_hold":  {"a duration such as 1ms", func(d *device, v string) error { return setDuration(&d.im.ReorderHold, v) }},
	"reorder_depth": {"a number", func(d *device, v string) (err error) { d.im.ReorderDepth, err = strconv.Atoi(v); return err }},
	"loss":          {"a probability from 0 to 1", func(d *device, v string) error { return setChance(&d.im.Loss, v) }},
	"duplicate":     {"a probability from 0 to 1", func(d *device, v string) error { return setChance(&d.im.Duplicate, v) }},
	"reorder":       {"a probability from 0 to 1", func(d *device, v string) error { return setChance(&d.im.Reorder, v) }},
	"rate":          {"bits per second such as 10g, 1.5m or 64k", func(d *device, v string) error { return setRate(&d.im.Rate, v) }},
}

// parseDevice reads "NAME,key=value,...".
func parseDevice(args string) (d device, err error) {
	fields := strings.Split(args, ",")
	d.name, d.end = fields[0], -1
	if d.name == "" || strings.Contains(d.name, "=") {
		return d, fmt.Errorf("wire name %q, expected the name of a wire first, such as \"wan,end=a\"", d.name)
	}
	seen := map[string]bool{}
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		s, ok := settings[key]
		switch {
		case !ok:
			return d, fmt.Errorf("unknown setting %q, expected one of: %s", key, strings.Join(settingNames(), ", "))
		case seen[key]:
			return d, fmt.Errorf("setting %q is given twice", key)
		case s.set(&d, value) != nil:
			return d, fmt.Errorf("%s=%q, expected %s", key, value, s.expects)
		}
		seen[key] = true
	}
	if d.end < 0 {
		return d, fmt.Errorf("wire %q: no end given, expected end=a or end=b", d.name)
	}
	return d, nil
}

func settingNames() (names []string) {
	for n := range settings {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func choose[T any](v string, to *T, from map[string]T) error {
	x, ok := from[v]
	if !ok {
		return strconv.ErrSyntax
	}
	*to = x
	return nil
}

func setLink(d *device, v string) error {
	return choose(v, &d.link, map[string]pmd.Link{"ethernet": pmd.Ethernet, "raw": pmd.RawIP})
}

func setHash(d *device, v string) error {
	return choose(v, &d.hash, map[string]steering{"toeplitz": {Toeplitz, "rss"}, "spi": {SPI, "rss+spi"}, "none": {nil, "none"}})
}

func setMAC(d *device, v string) error {
	mac, err := net.ParseMAC(v)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		return strconv.ErrSyntax
	}
	d.mac = [6]byte(mac)
	return nil
}

func setDuration(to *time.Duration, v string) (err error) {
	*to, err = time.ParseDuration(v)
	return err
}

func setChance(to *float64, v string) (err error) {
	*to, err = strconv.ParseFloat(v, 64)
	return err
}

// setRate reads bits per second with a decimal factor k, m or g.
func setRate(to *uint64, v string) error {
	digits := strings.TrimRight(strings.ToLower(v), "kmg")
	factor, ok := map[string]float64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[strings.ToLower(v[len(digits):])]
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || !(f*factor >= 1 && f*factor <= 1e12) {
		return strconv.ErrRange
	}
	*to = uint64(f * factor)
	return nil
}
