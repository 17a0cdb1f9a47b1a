package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"time"

	"stillwater/appliance/testbed"
)

// demoResult is what "demo -json" prints.
type demoResult struct {
	Mode           string            `json:"mode"`
	Lcores         int               `json:"lcores"`
	DurationS      float64           `json:"duration_s"`
	InnerSent      uint64            `json:"inner_sent"`
	InnerReceived  uint64            `json:"inner_received"`
	InnerLost      uint64            `json:"inner_lost"`
	InnerCorrupt   uint64            `json:"inner_corrupt"`
	InnerReordered uint64            `json:"inner_reordered"`
	WarmReordered  uint64            `json:"inner_reordered_in_warm_up"` // while lcores got SAs of their own, before the measured time
	InnerBytes     uint64            `json:"inner_bytes"`
	OuterPackets   uint64            `json:"outer_packets"`
	OuterSizes     int               `json:"outer_sizes"`
	OuterPPS       float64           `json:"outer_pps"`
	SAPairs        int               `json:"sa_pairs"`
	IKEms          float64           `json:"ike_ms"`    // from IKE_SA_INIT until the Child SAs that come before traffic were installed at both ends
	ChildSAs       int               `json:"child_sas"` // of each appliance that sent when the traffic ended; sa_pairs counts those that are only heard, too
	Rekeys         uint64            `json:"rekeys"`    // of Child and IKE SAs
	MissedSlots    uint64            `json:"missed_slots"`
	Suite          string            `json:"suite"`
	Drops          map[string]uint64 `json:"drops"`
	Verdict        string            `json:"verdict"`
	sizes          map[int]uint64
}

var demoModes = []string{"constant", "aggregate", "tunnel"}

const maxDemoLcores = 32

// leastRekey leaves an exchange and the linger of what it replaced time to end.
const leastRekey = 10 * time.Millisecond

// demo runs two appliances on in-memory wires; they authenticate each other and agree on SAs by IKEv2.
func demo(e *env, args []string) error {
	f := e.flags("demo")
	duration := f.Duration("duration", 10*time.Second, "how long to send")
	lcores := f.Int("lcores", 2, "lcores of each appliance, each with a Child SA of its own (RFC 9611)")
	inner := f.String("inner", "imix", "inner packets: imix, a size in octets, or a pcap `FILE`")
	mode := f.String("mode", "constant", "constant, aggregate or tunnel")
	rate := f.String("rate", "200m", "bits per second of outer IP in each direction, constant mode")
	encr := f.String("encr", "aes128gcm16", "algorithm of the SAs")
	integ := f.String("integ", "", "integrity algorithm, for algorithms that need one")
	rekey := f.Duration("rekey-every", 0, "replace Child SAs so often while traffic flows, from both ends in turn, every fourth time the IKE SA; 0: never")
	asJSON := f.Bool("json", false, "print one JSON object instead of the table")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if !slices.Contains(demoModes, *mode) {
		return &usageError{fmt.Sprintf("-mode %q, expected one of %q", *mode, demoModes)}
	}
	if *lcores < 1 || *lcores > maxDemoLcores {
		return &usageError{fmt.Sprintf("-lcores %d, expected 1 to %d", *lcores, maxDemoLcores)}
	}
	if *duration <= 0 {
		return &usageError{fmt.Sprintf("-duration %v, expected more than nothing", *duration)}
	}
	if *rekey < 0 || *rekey > 0 && *rekey < leastRekey {
		return &usageError{fmt.Sprintf("-rekey-every %v, expected 0 or at least %v", *rekey, leastRekey)}
	}
	mix, err := testbed.NewMix(*inner, testbed.MaxInner(*mode))
	if err != nil {
		return err
	}
	pair, err := testbed.NewPair(testbed.PairConfig{
		Mode: *mode, Lcores: *lcores, Mix: mix, Rate: *rate, Encr: *encr, Integ: *integ, RekeyEvery: *rekey,
		Log: slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	result, err := e.runDemo(pair, *duration, !*asJSON)
	if err != nil {
		return err
	}
	result.Mode, result.Lcores = *mode, *lcores
	result.judge()
	if *asJSON {
		err = json.NewEncoder(e.stdout).Encode(result)
	} else {
		result.print(e.stdout)
	}
	if err == nil && result.Verdict != verdictPass {
		err = errVerdict
	}
	return err
}

// runDemo carries traffic and shows a line a second.
func (e *env) runDemo(pair *testbed.Pair, d time.Duration, live bool) (*demoResult, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- pair.Run(ctx, d) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	table := liveTable{out: e.stdout}
	for {
		select {
		case <-tick.C:
			if live {
				table.line(time.Since(began), pair)
			}
		case err := <-ended:
			return collect(pair, min(time.Since(began), d)), err
		}
	}
}

// collect sums up both directions and both appliances.
func collect(pair *testbed.Pair, took time.Duration) *demoResult {
	t := pair.Traffic.Tally()
	r := &demoResult{
		DurationS: took.Seconds(), InnerSent: t.Sent, InnerReceived: t.Received, InnerLost: t.Lost, InnerCorrupt: t.Corrupt,
		InnerReordered: t.Reordered - pair.WarmUp.Reordered, WarmReordered: pair.WarmUp.Reordered, InnerBytes: t.Octets, OuterPackets: pair.Observer.Packets(), Drops: map[string]uint64{},
		sizes: pair.Observer.Sizes(),
	}
	r.OuterSizes = len(r.sizes)
	r.OuterPPS = float64(r.OuterPackets) / took.Seconds()
	r.IKEms = float64(pair.IKETime.Microseconds()) / 1e3
	for _, s := range pair.Final {
		r.SAPairs, r.ChildSAs, r.Rekeys = len(s.SAs), 0, s.Rekeys
		for i := range s.SAs {
			if s.SAs[i].Sends {
				r.ChildSAs++
			}
		}
		if len(s.SAs) > 0 {
			r.Suite = s.SAs[0].Suite
		}
		r.MissedSlots += s.Total.MissedSlots
		for v, n := range s.Drops {
			r.Drops[v] += n
		}
	}
	return r
}

const verdictPass = "pass"

// judge applies the demo's rules: nothing lost, changed or out of order, and one size of outer packet in constant mode.
func (r *demoResult) judge() {
	switch {
	case r.InnerReceived == 0:
		r.Verdict = "fail: nothing arrived"
	case r.InnerLost > 0 || r.InnerCorrupt > 0 || r.InnerReordered > 0:
		r.Verdict = fmt.Sprintf("fail: %d lost, %d changed, %d out of order", r.InnerLost, r.InnerCorrupt, r.InnerReordered)
	case r.Mode == "constant" && r.OuterSizes != 1:
		r.Verdict = fmt.Sprintf("fail: %d sizes of outer packets, expected one", r.OuterSizes)
	default:
		r.Verdict = verdictPass
	}
}

func (r *demoResult) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-10s %d lcores, %d SA pairs, %s, %.1f s\n", r.Mode, r.Lcores, r.SAPairs, r.Suite, r.DurationS)
	fmt.Fprintf(w, "  IKE       up in %.1f ms, %d Child SAs, %d rekeys\n", r.IKEms, r.ChildSAs, r.Rekeys)
	fmt.Fprintf(w, "  inner     %d sent, %d received, %d lost, %d changed, %d out of order, %.1f Mbit/s\n",
		r.InnerSent, r.InnerReceived, r.InnerLost, r.InnerCorrupt, r.InnerReordered, float64(r.InnerBytes)*8/r.DurationS/1e6)
	fmt.Fprintf(w, "  outer     %d packets, %.0f a second, %s\n", r.OuterPackets, r.OuterPPS, sizesInWords(r.sizes))
	if r.Mode == "constant" {
		fmt.Fprintf(w, "  slots     %d missed\n", r.MissedSlots)
	}
	for _, v := range sortedKeys(r.Drops) {
		fmt.Fprintf(w, "  drop      %s %d\n", v, r.Drops[v])
	}
	fmt.Fprintf(w, "  verdict   %s\n", r.Verdict)
}
