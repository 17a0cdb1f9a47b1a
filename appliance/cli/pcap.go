package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"stillwater/appliance/config"
	"stillwater/pmd/mbuf"
)

// pcap opens and makes captures offline, through the same ESP and AGGFRAG code as the lcores.
func pcap(e *env, args []string) error {
	if len(args) == 0 {
		return &usageError{"expected decap or encap"}
	}
	switch args[0] {
	case "decap":
		return e.decap(args[1:])
	case "encap":
		return e.encap(args[1:])
	case "-h", "-help", "--help":
		for _, f := range []func([]string) error{e.decap, e.encap} {
			if err := f([]string{"-h"}); err != nil {
				fmt.Fprintln(e.stderr)
			}
		}
		fmt.Fprint(e.stderr, "Keys of the key file:\n", config.CaptureHelp())
		return nil
	}
	return &usageError{fmt.Sprintf("%q, expected decap or encap", args[0])}
}

// pcapFlags are the flags both directions have.
type pcapFlags struct {
	in, keys, out string
	outerSize     int
	asJSON        bool
}

func (e *env) pcapFlags(name string, args []string) (p pcapFlags, err error) {
	f := e.flags("pcap " + name)
	inner, outer := "inner IP packets", "ESP packets"
	in, out := outer, inner
	if name == "encap" {
		in, out = inner, outer
		f.IntVar(&p.outerSize, "outer-size", 0, "pad every outer IP packet to this many `octets` (iptfs); 0: as large as needed, at most 1500")
	}
	f.StringVar(&p.in, "in", "", "capture `FILE` of "+in+", Ethernet or RAW, pcap or pcapng")
	f.StringVar(&p.keys, "keys", "", "TOML `FILE` with one [[sa]] for each SA")
	f.StringVar(&p.out, "out", "", "capture `FILE` of "+out+" to write, link type RAW")
	f.BoolVar(&p.asJSON, "json", false, "print one JSON object")
	if err := parse(f, args, 0); err != nil {
		return p, err
	}
	for _, need := range []struct{ name, value string }{{"in", p.in}, {"keys", p.keys}, {"out", p.out}} {
		if need.value == "" {
			return p, &usageError{"-" + need.name + " FILE is missing"}
		}
		if need.name != "out" && sameFile(need.value, p.out) {
			return p, &usageError{fmt.Sprintf("-out %s is the file of -%s, which it would replace", p.out, need.name)}
		}
	}
	return p, nil
}

// sameFile reports whether two names lead to one file.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// loadKeys reads the SAs; the caller wipes them.
func loadKeys(name string) (*config.KeySet, error) {
	set, err := config.LoadKeys(name)
	if err != nil {
		return nil, err
	}
	if len(set.SAs) == 0 {
		return nil, fmt.Errorf("%s: no [[sa]] in it", name)
	}
	return set, nil
}

// pcapResult is what "pcap ... -json" prints.
type pcapResult struct {
	OuterPackets uint64            `json:"outer_packets"`
	InnerPackets uint64            `json:"inner_packets"`
	InnerBytes   uint64            `json:"inner_bytes"`
	OtherPackets uint64            `json:"other_packets"` // neither ESP nor, for encap, IP: left out
	Missing      uint64            `json:"missing"`       // decap: outer packets that the sequence numbers say are not there
	Drops        map[string]uint64 `json:"drops"`         // by verdict
}

func (r *pcapResult) drop(v mbuf.Verdict, n uint64) {
	if n > 0 && v.Drop() {
		r.Drops[v.String()] += n
	}
}

func (e *env) printResult(r *pcapResult, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	fmt.Fprintf(e.stdout, "%d outer packets, %d inner packets of %d octets, %d other packets\n", r.OuterPackets, r.InnerPackets, r.InnerBytes, r.OtherPackets)
	if r.Missing > 0 {
		fmt.Fprintf(e.stdout, "%d outer packets are missing in the capture\n", r.Missing)
	}
	for _, v := range sortedKeys(r.Drops) {
		fmt.Fprintf(e.stdout, "dropped: %s %d\n", v, r.Drops[v])
	}
	return nil
}
