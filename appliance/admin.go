package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater/appliance/config"
	"stillwater/appliance/control"
	"stillwater/appliance/mgmt"
	"stillwater/crypto/suite"
)

// ServeAdmin answers operators on the admin socket of the configuration until ctx ends; without one it does nothing. Call it
// once Ready is closed. An error is why there is no socket, and no reason to carry no traffic.
func (a *Appliance) ServeAdmin(ctx context.Context) error {
	if a.cfg.Admin.Socket == "" {
		return nil
	}
	return mgmt.Serve(ctx, a.cfg.Admin.Socket, a.admin())
}

// admin is an appliance as the admin socket sees it. Safe for concurrent use while Run runs.
type admin struct {
	*Appliance
	epoch time.Time // when the appliance's clock was 0, so that equal times of it become equal times of day
}

var _ mgmt.Backend = (*admin)(nil)

func (a *Appliance) admin() *admin {
	return &admin{a, time.Now().Add(-time.Duration(a.now())).Round(0)}
}

// now is the appliance's clock, ns.
func (a *Appliance) now() int64 {
	if a.clock == nil {
		return a.opt.Clock()
	}
	return a.clock.Now()
}

// Configured lists the connections of the configuration.
func (a *admin) Configured() []mgmt.Configured {
	var out []mgmt.Configured
	for i := range a.cfg.Connections {
		c := &a.cfg.Connections[i]
		var remote []string
		for _, r := range c.Remote {
			remote = append(remote, rangeText(r.First, r.Last))
		}
		out = append(out, mgmt.Configured{Name: c.Name, Remote: strings.Join(remote, ","), Children: childNames(c)})
	}
	return out
}

// SAs lists the IKE SAs with their Child SAs.
func (a *admin) SAs(ctx context.Context) ([]mgmt.IKESA, error) {
	list, err := a.core.Snapshot(ctx)
	now, pairs := a.now(), map[uint32]*control.PairStatus{}
	for _, p := range a.core.Pairs() {
		pairs[p.SPIIn] = &p
	}
	out := make([]mgmt.IKESA, len(list))
	for i := range list {
		out[i] = a.ikeView(now, &list[i], pairs)
	}
	return out, err
}

// Static lists the SAs whose keys are in the configuration.
func (a *admin) Static() []mgmt.StaticSA {
	var out []mgmt.StaticSA
	for _, p := range a.core.StaticPairs() {
		out = append(out, mgmt.StaticSA{
			Tunnel: a.cfg.Tunnels[p.Tunnel].Name, Lcore: p.Lcore, SPIIn: mgmt.SPI(p.SPIIn), SPIOut: mgmt.SPI(p.SPIOut), Suite: p.Suite,
			Received: carried(&p.Received), Sent: carried(&p.Sent),
		})
	}
	return out
}

// Failures lists the latest failed negotiations.
func (a *admin) Failures(ctx context.Context) ([]mgmt.Failure, error) {
	list, err := a.core.Failures(ctx)
	out := make([]mgmt.Failure, len(list))
	for i := range list {
		out[i] = failureView(a.epoch, &list[i])
	}
	return out, err
}

// Status is the counters.
func (a *admin) Status() mgmt.Status {
	s := a.Appliance.Status()
	return mgmt.Status{Ports: s.Ports, Lcores: s.Lcores, Drops: s.Drops}
}

// Initiate begins to bring up a connection, or one child of it.
func (a *admin) Initiate(ctx context.Context, connection, child string) error {
	c, err := a.named(connection)
	if err != nil {
		return err
	}
	if names := childNames(c); child != "" && !slices.Contains(names, child) {
		return unknown(fmt.Sprintf("child of connection %q", connection), child, names)
	}
	return a.core.Initiate(ctx, connection, child)
}

// Terminate begins to delete the IKE SAs of a connection.
func (a *admin) Terminate(ctx context.Context, connection string) error {
	if _, err := a.named(connection); err != nil {
		return err
	}
	return a.core.Terminate(ctx, connection)
}

// Rekey begins to replace SAs of a connection.
func (a *admin) Rekey(ctx context.Context, connection string, ike, children bool) error {
	if _, err := a.named(connection); err != nil {
		return err
	}
	return a.core.Rekey(ctx, connection, ike, children)
}

// named is the configuration of a connection.
func (a *admin) named(name string) (*config.Connection, error) {
	var names []string
	for i := range a.cfg.Connections {
		c := &a.cfg.Connections[i]
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return nil, unknown("connection", name, names)
}

// maxName is how much of a name that is not configured is looked at: more is no slip of the pen.
const maxName = 64

// unknown is the error about a name that is not configured; it says which name is the nearest.
func unknown(what, name string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("no %s %.*q: none is configured", what, maxName, name)
	}
	name = name[:min(len(name), maxName)]
	nearest := slices.MinFunc(names, func(x, y string) int { return suite.Distance(name, x) - suite.Distance(name, y) })
	return fmt.Errorf("no %s %q; the nearest configured name is %q", what, name, nearest)
}

func childNames(c *config.Connection) []string {
	var names []string
	for i := range c.Children {
		names = append(names, c.Children[i].Name)
	}
	return names
}
