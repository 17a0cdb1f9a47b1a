package bench

import (
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"time"

	"stillwater/ike"
)

// IKEOptions say how long and how much to measure.
type IKEOptions struct {
	Duration time.Duration // CPU time of the rounds, clients included, all measures together
	Rounds   int           // that it is divided into, 1 to MaxRounds
	Tunnels  int           // established at the end of filling up, 1 to MaxTunnels
	Profile  io.Writer     // CPU profile; the responder's samples have labels "end" (responder) and "measure"; nil: none
	Progress io.Writer     // one line now and then
}

// DefaultIKEOptions are those of a run worth reporting: about a minute.
func DefaultIKEOptions() IKEOptions {
	return IKEOptions{Duration: 24 * time.Second, Rounds: 12, Tunnels: 10_000, Progress: io.Discard}
}

// setup is one kind of set-up: how both ends authenticate, and what the responder is.
type setup struct {
	name         string
	certificates bool
	whole        bool    // an appliance; else the engine alone
	reference    float64 // of strongSwan 6 as responder on a machine of the same class, set-ups per core-second
}

// The set-ups, measured side by side. All agree on X25519 and AES-GCM; certificates are ECDSA on P-256.
var setups = []setup{
	{"setup_psk_x25519", false, false, 2350},
	{"setup_psk_x25519_appliance", false, true, 2350},
	{"setup_ecdsa_p256", true, false, 1490},
	{"setup_ecdsa_p256_appliance", true, true, 1490},
}

// batch is how many clients come at the same time while rates are measured: less than what makes a responder ask for
// cookies. Each batch is taken down again before the next.
const batch = 24

// setupSlots is the size of the SA tables meanwhile: SAs that were taken down linger.
const setupSlots = 4096

// IKE measures set-ups as responder and the memory of established tunnels. A client without a tunnel is an error.
func IKE(o IKEOptions) (rows []IKERow, err error) {
	err = onThread(func(func() int64) error {
		if o.Profile != nil {
			if err := pprof.StartCPUProfile(o.Profile); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		if rows, err = setupRows(o); err != nil {
			return err
		}
		more, err := tunnelRows(o)
		rows = append(rows, more...)
		return err
	})
	return rows, err
}

// party is a responder and its clients.
type party struct {
	*setup
	realm *realm
	r     responder
	fleet *fleet
}

// newParty builds the responder of a kind of set-up, and clients.
func newParty(s *setup, clients int) (p *party, err error) {
	p = &party{setup: s}
	if p.realm, err = newRealm(s.certificates); err != nil {
		return nil, err
	}
	if p.fleet, err = newFleet(p.realm, clients); err != nil {
		return nil, err
	}
	p.r, err = s.responder(p.realm, setupSlots, ike.DefaultLimits)
	return p, err
}

// responder builds one with so much room in its SA tables.
func (s *setup) responder(r *realm, slots int, limits ike.Limits) (responder, error) {
	if s.whole {
		return newWholeAppliance(r, slots, limits.CookiesAt)
	}
	return newLoneEngine(r, limits)
}

// setupRows measures all kinds of set-up in turn, round by round.
func setupRows(o IKEOptions) (rows []IKERow, err error) {
	parties := make([]*party, 0, len(setups))
	defer func() {
		for _, p := range parties {
			if e := p.r.close(); e != nil && err == nil {
				err = fmt.Errorf("%s: %w", p.name, e)
			}
		}
	}()
	for i := range setups {
		p, err := newParty(&setups[i], batch)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setups[i].name, err)
		}
		parties = append(parties, p)
	}
	sample := int64(o.Duration) / int64(2*len(parties)*o.Rounds)
	bills := make([][]bill, len(parties))
	for i := range abba(len(parties)) { // warming up
		if err := parties[i].run(new(bill), sample/4); err != nil {
			return nil, err
		}
	}
	for round := range o.Rounds {
		fmt.Fprintf(o.Progress, "set-ups: round %d of %d\n", round+1, o.Rounds)
		now := make([]bill, len(parties))
		for i, p := range parties {
			now[i].measure = p.name
		}
		for i := range abba(len(parties)) {
			if err := parties[i].run(&now[i], sample); err != nil {
				return nil, err
			}
		}
		for i := range now {
			bills[i] = append(bills[i], now[i])
		}
	}
	for i, p := range parties {
		rows = append(rows, setupRow(p.name, p.reference, bills[i]))
	}
	return rows, nil
}

// run brings clients up and down until so much CPU time has gone, at least once.
func (p *party) run(b *bill, sample int64) error {
	b.start()
	defer b.stop()
	for began := threadTime(); ; {
		if err := p.fleet.connect(p.r, b, p.fleet.clients); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := p.fleet.disconnect(p.r, p.fleet.clients); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if threadTime()-began >= sample {
			return nil
		}
	}
}

// tunnelRows fills responders up: the rate on the way and the memory at the end.
func tunnelRows(o IKEOptions) (rows []IKERow, err error) {
	limits := ike.DefaultLimits
	limits.CookiesAt, limits.HalfOpen = 2*fillBatch, 2*fillBatch
	var memory [2]float64
	for i := range memory {
		s := &setups[i]
		fmt.Fprintf(o.Progress, "%s: %d tunnels\n", s.name, o.Tunnels)
		realm, err := newRealm(s.certificates)
		if err != nil {
			return nil, err
		}
		octets, parts, err := perTunnel(realm, o.Tunnels, func(room int) (responder, error) { return s.responder(realm, room, limits) })
		if err != nil {
			return nil, fmt.Errorf("%s, filling: %w", s.name, err)
		}
		memory[i] = octets
		rows = append(rows, fillingRow(s.name+"_filling", s.reference, parts))
	}
	plane, err := planePerTunnel(o.Tunnels)
	if err != nil {
		return nil, fmt.Errorf("data plane with %d tunnels: %w", o.Tunnels, err)
	}
	engine, total := memory[0], memory[1]
	return append(rows,
		memoryRow("memory_engine", engine, false),
		memoryRow("memory_control", total-engine-plane, false),
		memoryRow("memory_data_plane", plane, false),
		memoryRow("memory_total", total, true),
	), nil
}

// labelled marks the samples of a profile that a responder is responsible for.
func labelled(measure string, work func()) {
	pprof.Do(context.Background(), pprof.Labels("end", "responder", "measure", measure), func(context.Context) { work() })
}
