package testbed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/config"
	"stillwater/crypto/suite"
	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// PairConfig describes two appliances that carry traffic between their inside networks over one outside wire.
type PairConfig struct {
	Mode   string // of both tunnels: "constant", "aggregate" or "tunnel"
	Lcores int    // of each appliance; as many SA pairs
	Mix    *Mix
	Encr   string // "" means aes128gcm16
	Integ  string
	Window int                   // packets on their way in each direction; 0: 128 for each lcore
	Mbufs  int                   // of each lcore; 0: 16384
	Rate   string                // l3_fixed_rate of each constant tunnel; "" means 200m
	Extra  string                // more lines for both [[tunnel]] tables
	Impair [2]softpmd.Impairment // of the outside wire
	Seed   uint64                // of the impairments; 0: drawn
	Hash   softpmd.HashFunc      // of the outside wire; nil: Toeplitz, so that SPIs arrive on lcores that do not own them
	IPv6   bool                  // outer addresses
	Clock  func() int64          // for stepped use
	Log    *slog.Logger
}

// Pair is two appliances in one process, joined by an in-memory wire, each with a host behind it.
type Pair struct {
	Appliances [2]*appliance.Appliance
	Traffic    *Traffic
	Outside    *softpmd.Wire
	Observer   *Observer
	Final      [2]appliance.Status // when the last packet had arrived, before the appliances were shut down
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
	p := &Pair{Observer: &Observer{}}
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
	texts, together := pairTexts(&c), newMeeting(len(p.Appliances))
	wait := together.wait
	if c.Clock != nil {
		wait = nil // one goroutine steps both, so neither can wait
	}
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
	sending, stop := context.WithTimeout(ctx, d)
	defer stop()
	p.Traffic.Run(sending)
	<-time.After(settleTime)
	for i, a := range p.Appliances {
		p.Final[i] = a.Status()
	}
	cancel()
	err := errors.Join(<-ended, <-ended)
	for _, h := range p.Traffic.hosts {
		err = errors.Join(err, h.close())
	}
	return err
}

// pairTexts writes the two configuration files. Keys are drawn here and exist in this process only.
func pairTexts(c *PairConfig) [2]string {
	addr := [2]string{"198.51.100.1", "198.51.100.2"}
	bits := 24
	if c.IPv6 {
		addr, bits = [2]string{"2001:db8:ffff::1", "2001:db8:ffff::2"}, 64
	}
	sas := [2]strings.Builder{}
	for k := range c.Lcores {
		there, back := newKey(c.Encr, c.Integ), newKey(c.Encr, c.Integ)
		writeSA(&sas[0], c, 2*k, 2*k+1, there, back)
		writeSA(&sas[1], c, 2*k+1, 2*k, back, there)
	}
	var texts [2]string
	for i := range texts {
		text := strings.NewReplacer("{END}", softpmd.End(i).String(), "{INSIDE}", fmt.Sprintf("inside%d", i)).Replace(pairText)
		texts[i] = fmt.Sprintf(text, i, c.Lcores, c.Mbufs, max(c.Mix.MaxSize, 1500), c.outerMTU(), addr[i], bits, max(c.Mix.MaxSize, 1500),
			addr[i], addr[1-i], c.Mode, c.outerMTU(), c.modeLines(), c.Extra, sas[i].String())
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

func writeSA(b *strings.Builder, c *PairConfig, out, in int, keyOut, keyIn string) {
	integ := ""
	if c.Integ != "" {
		integ = fmt.Sprintf("integ = %q\n", c.Integ)
	}
	fmt.Fprintf(b, "[[tunnel.sa]]\nspi_out = %d\nspi_in = %d\nencr = %q\n%skey_out = %q\nkey_in = %q\nesn = true\n",
		spiBase+out, spiBase+in, c.Encr, integ, keyOut, keyIn)
}

// spiBase keeps the SPIs of a pair away from the reserved ones.
const spiBase = 0x1000

// newKey draws key material for an algorithm.
func newKey(encr, integ string) string {
	s, err := suite.ParseESP(encr, integ)
	if err != nil {
		return "" // the configuration that gets it says what is wrong with the algorithm
	}
	b := make([]byte, s.KeymatLen())
	rand.Read(b)
	return hex.EncodeToString(b)
}

const pairText = `unsafe_static_keys = true
[system]
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
[[tunnel]]
name = "t"
local = "%s"
remote = "%s"
mode = "%s"
outer_packet_size = %d
%s
%s
[[tunnel.policy]]
local_ts = ["0.0.0.0/0", "::/0"]
remote_ts = ["0.0.0.0/0", "::/0"]
%s`
