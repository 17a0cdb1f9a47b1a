package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// PairConfig describes two appliances that carry traffic between their inside networks over one outside wire.
type PairConfig struct {
	Static     bool   // keys in the configuration files, no IKE
	Mode       string // of both tunnels: "constant", "aggregate" or "tunnel"
	Lcores     int    // of each appliance; as many SA pairs
	PeerLcores int    // of the second appliance, without Static; 0: Lcores
	Mix        *Mix
	Encr       string // "" means aes128gcm16
	Integ      string
	Window     int                   // packets on their way in each direction; 0: 128 for each lcore
	Mbufs      int                   // of each lcore; 0: 16384
	Rate       string                // l3_fixed_rate of each constant tunnel; "" means 200m
	Connection string                // more lines for both [[connection]] tables
	Extra      string                // more lines for both [[connection.child]] tables
	RekeyEvery time.Duration         // Run: replace Child SAs so often, from both ends in turn, and every fourth time the IKE SA; 0: never
	Impair     [2]softpmd.Impairment // of the outside wire
	Seed       uint64                // of the impairments; 0: drawn
	Hash       softpmd.HashFunc      // of the outside wire; nil: Toeplitz, so that SPIs arrive on lcores that do not own them
	IPv6       bool                  // outer addresses
	Clock      func() int64          // for stepped use
	Log        *slog.Logger
}

// Pair is two appliances in one process, joined by an in-memory wire, each with a host behind it.
type Pair struct {
	Appliances [2]*appliance.Appliance
	Traffic    *Traffic
	Outside    *softpmd.Wire
	Observer   *Observer
	Final      [2]appliance.Status // when the last packet had arrived, before the appliances were shut down
	IKETime    time.Duration       // Run: from the first message until every Child SA that is made up front carried traffic
	// WarmUp is what crossed before Run's time began, while per-resource SAs were added on demand (RFC 9611): a flow that moves
	// to another lcore's SA can overtake itself once. Traffic's tally includes it.
	WarmUp     Tally
	static     bool
	lcores     int
	rekeyEvery time.Duration
	upFront    int // SA pairs before traffic starts
}

// The largest MTU of a port, and what ESP adds at most, octets.
const (
	largestMTU  = 9216
	espOverhead = 128
)

// MaxInner returns the octets of the largest inner packet that a pair carries in a mode: plain tunnels do not fragment.
func MaxInner(mode string) int {
	if mode == "tunnel" {
		return largestMTU - espOverhead
	}
	return largestMTU
}

// outerMTU is the MTU of the outside wire: 1500 for IP-TFS, which fragments; enough for every inner packet in tunnel mode,
// which does not.
func (c *PairConfig) outerMTU() int {
	if c.Mode == "tunnel" {
		return max(1500, c.Mix.MaxSize+espOverhead)
	}
	return 1500
}

// NewPair builds everything; nothing runs yet, and nothing is left behind when it fails.
func NewPair(c PairConfig) (pair *Pair, err error) {
	if most := MaxInner(c.Mode); c.Mix.MaxSize > most {
		return nil, fmt.Errorf("inner packets of %d octets, expected at most %d in mode %s", c.Mix.MaxSize, most, c.Mode)
	}
	if c.Window == 0 {
		c.Window = 128 * c.Lcores
	}
	if c.Encr == "" {
		c.Encr = "aes128gcm16"
	}
	if c.Rate == "" {
		c.Rate = "200m"
	}
	if c.Mbufs == 0 {
		c.Mbufs = 16384
	}
	p := &Pair{Observer: &Observer{}, static: c.Static, lcores: c.Lcores, rekeyEvery: c.RekeyEvery, upFront: 1}
	if c.Mode == "constant" {
		p.upFront = c.Lcores
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	w := wires{}
	for _, name := range []string{"inside0", "inside1", "outside"} {
		wc := softpmd.WireConfig{Name: name, Link: pmd.RawIP, Ring: 4096}
		if name == "outside" {
			wc.Impair, wc.Seed = c.Impair, c.Seed
			wc.Hash = [2]softpmd.HashFunc{c.Hash, c.Hash}
		}
		if w[name], err = softpmd.NewWire(wc); err != nil {
			return nil, err
		}
	}
	p.Outside = w["outside"]
	p.Outside.SetTap(softpmd.A, p.Observer.see)
	p.Outside.SetTap(softpmd.B, p.Observer.see)
	texts, wait, forget, err := c.texts()
	if err != nil {
		return nil, err
	}
	defer forget()
	for i := range p.Appliances {
		cfg, err := config.Parse(fmt.Sprintf("gateway %d", i), []byte(texts[i]))
		if err != nil {
			return nil, err
		}
		p.Appliances[i], err = appliance.New(cfg, appliance.Options{Yield: true, Clock: c.Clock, Log: c.Log, Open: w.open, BeforeOutbound: wait})
		if err != nil {
			return nil, err
		}
	}
	if err := p.connectHosts(&c, w); err != nil {
		return nil, err
	}
	return p, nil
}

// Close releases a pair that was stepped, or built and never Run.
func (p *Pair) Close() error {
	var errs []error
	for _, a := range p.Appliances {
		if a != nil {
			errs = append(errs, a.Close())
		}
	}
	if p.Traffic != nil {
		for _, h := range p.Traffic.hosts {
			if h != nil {
				errs = append(errs, h.close())
			}
		}
	}
	return errors.Join(errs...)
}

func (p *Pair) connectHosts(c *PairConfig, w wires) error {
	p.Traffic = &Traffic{}
	for i := range p.Traffic.hosts {
		open := func(cfg pmd.Config) (pmd.Port, error) {
			cfg.Now = c.Clock
			return w[fmt.Sprintf("inside%d", i)].Open(softpmd.B, cfg)
		}
		h, err := newHost(fmt.Sprintf("host %d", i), open, 4*c.Window+1024, c.Mix.MaxSize)
		if err != nil {
			return err
		}
		p.Traffic.hosts[i] = h
		p.Traffic.streams[i] = newStream(c.Mix, c.Window, 2)
	}
	return nil
}

// settleTime is longer than lcores take to publish their counters, also when several share a core.
const settleTime = 20 * time.Millisecond

// Run carries traffic for d. It returns when everything has arrived or is known to be lost and both appliances have ended.
func (p *Pair) Run(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(p.Appliances))
	for _, a := range p.Appliances {
		go func() { ended <- a.Run(ctx) }()
	}
	for _, a := range p.Appliances {
		select {
		case <-a.Ready():
		case err := <-ended:
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	if err := p.connect(ctx); err != nil {
		cancel()
		return errors.Join(err, <-ended, <-ended)
	}
	p.warmUp(ctx)
	rekeys := p.keepRekeying(ctx)
	sending, stop := context.WithTimeout(ctx, d)
	defer stop()
	p.Traffic.Run(sending)
	err := rekeys()
	<-time.After(settleTime)
	for i, a := range p.Appliances {
		p.Final[i] = a.Status()
	}
	cancel()
	err = errors.Join(err, <-ended, <-ended)
	for _, h := range p.Traffic.hosts {
		err = errors.Join(err, h.close())
	}
	return err
}

// texts writes the two configuration files. Static gateways wait for each other, as one would send before the other listens;
// on a clock of the caller's one goroutine steps both, so neither can. forget removes what the files refer to.
func (c *PairConfig) texts() (texts [2]string, wait func(context.Context) error, forget func(), err error) {
	if c.Static {
		if c.Clock == nil {
			wait = newMeeting(len(texts)).wait
		}
		return staticTexts(c), wait, func() {}, nil
	}
	secretFile, err := writeSecret()
	if err != nil {
		return texts, nil, nil, err
	}
	return pairTexts(c, secretFile), nil, func() { os.RemoveAll(filepath.Dir(secretFile)) }, nil
}

// resources is how many per-resource SAs the gateways use beside the fallback SA: with it, one SA for each lcore.
func resources(lcores int) string {
	if lcores > 1 {
		return fmt.Sprint(lcores - 1)
	}
	return `"off"`
}

// outerAddresses are the addresses of the two gateways and the length of their prefix.
func (c *PairConfig) outerAddresses() (addr [2]string, bits int) {
	if c.IPv6 {
		return [2]string{"2001:db8:ffff::1", "2001:db8:ffff::2"}, 64
	}
	return [2]string{"198.51.100.1", "198.51.100.2"}, 24
}

// pairTexts writes the two configuration files; the first gateway initiates. They share a secret in a file that exists while
// the pair is built.
func pairTexts(c *PairConfig, secretFile string) [2]string {
	addr, bits := c.outerAddresses()
	proposal := c.Encr
	if c.Integ != "" {
		proposal += "-" + c.Integ
	}
	var texts [2]string
	lcores := [2]int{c.Lcores, cmp.Or(c.PeerLcores, c.Lcores)}
	for i := range texts {
		text := strings.NewReplacer("{END}", softpmd.End(i).String(), "{INSIDE}", fmt.Sprintf("inside%d", i)).Replace(pairText)
		texts[i] = fmt.Sprintf(text, i, lcores[i], c.Mbufs, max(c.Mix.MaxSize, 1500), c.outerMTU(), addr[i], bits, max(c.Mix.MaxSize, 1500),
			addr[i], addr[1-i], secretFile, resources(lcores[i]), c.Connection, c.Mode, proposal, c.outerMTU(), c.modeLines(), c.Extra)
	}
	return texts
}

// patientLines let packets wait as long as they must: the source waits for room instead of dropping, and a core that the
// machine takes away must cost time only.
const patientLines = "max_aggregation_time = \"60s\"\nlost_packet_timer = \"10s\""

// modeLines are the settings that only some modes take.
func (c *PairConfig) modeLines() string {
	switch c.Mode {
	case "constant":
		return fmt.Sprintf("l3_fixed_rate = %q\npath_is_mine = true\n", c.Rate) + patientLines
	case "aggregate":
		return patientLines
	}
	return ""
}

// portsText is the machine of both kinds of gateway: one wire outside, one inside.
const portsText = `[system]
name = "gateway%d"
lcores = %d
mbufs = %d
max_inner = %d
[[port]]
name = "outside"
device = "wire:outside,{END}"
role = "outside"
mtu = %d
address = ["%s/%d"]
[[port]]
name = "inside"
device = "wire:{INSIDE},a"
role = "inside"
mtu = %d
[[route]]
to = "0.0.0.0/0"
port = "inside"
[[route]]
to = "::/0"
port = "inside"
`

const pairText = portsText + `[[connection]]
name = "t"
local = "%s"
remote = "%s"
psk_file = "%s"
start_action = "none"
per_resource_sas = %s
%s
[[connection.child]]
name = "net"
local_ts = ["0.0.0.0/0", "::/0"]
remote_ts = ["0.0.0.0/0", "::/0"]
mode = "%s"
esp_proposals = ["%s"]
outer_packet_size = %d
%s
%s
`
