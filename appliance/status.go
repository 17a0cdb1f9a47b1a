package appliance

import (
	"stillwater/appliance/dataplane"
	"stillwater/pmd"
)

// Status is a snapshot of an appliance, for tables and JSON. Counters are at most a millisecond old.
type Status struct {
	Name   string             `json:"name"`
	Lcores []LcoreStatus      `json:"lcores"`
	Ports  []PortStatus       `json:"ports"`
	SAs    []SAStatus         `json:"sas"`
	Drops  map[string]uint64  `json:"drops"`  // packets that ended, by verdict
	Events map[string]uint64  `json:"events"` // what lcores told control
	Punted uint64             `json:"punted"` // packets for the host stack
	Rekeys uint64             `json:"rekeys"` // of IKE and Child SAs, whoever began them
	Total  dataplane.Counters `json:"-"`
}

// LcoreStatus is one lcore.
type LcoreStatus struct {
	Lcore       int    `json:"lcore"`
	CPU         int    `json:"cpu"` // -1: not pinned
	Dead        bool   `json:"dead"`
	InsideRx    uint64 `json:"inside_rx"`
	InsideTx    uint64 `json:"inside_tx"`
	OutsideRx   uint64 `json:"outside_rx"`
	OutsideTx   uint64 `json:"outside_tx"`
	Sealed      uint64 `json:"sealed"`
	Opened      uint64 `json:"opened"`
	HandedOver  uint64 `json:"handed_over"` // to other lcores: sealed by SPI, clear by SA
	MissedSlots uint64 `json:"missed_slots"`
}

// PortStatus is one port.
type PortStatus struct {
	Name     string    `json:"name"`
	Device   string    `json:"device"`
	Steering string    `json:"steering"`
	Stats    pmd.Stats `json:"stats"`
}

// SAStatus is one SA pair. Keys are nowhere in it.
type SAStatus struct {
	Tunnel string `json:"tunnel"` // name of the [[tunnel]], or connection/child
	Lcore  int    `json:"lcore"`
	SPIIn  uint32 `json:"spi_in"`
	SPIOut uint32 `json:"spi_out"`
	Suite  string `json:"suite"`
	Sends  bool   `json:"sends"` // false: only its inbound half is in use, as after a rekey
}

// Status returns a snapshot. Ports are listed while they are open.
func (a *Appliance) Status() Status {
	s := Status{Name: a.cfg.System.Name, Total: a.plane.Total()}
	s.Drops = s.Total.Drops()
	for l := range a.plane.Lcores() {
		c := a.plane.Counters(l)
		s.Lcores = append(s.Lcores, LcoreStatus{
			Lcore: l, CPU: a.layout.cpu(l), Dead: a.plane.Dead(l), InsideRx: c.InsideRx, InsideTx: c.InsideTx, OutsideRx: c.OutsideRx,
			OutsideTx: c.OutsideTx, Sealed: c.Sealed, Opened: c.Opened, HandedOver: c.SealedOut + c.ClearOut, MissedSlots: c.MissedSlots,
		})
	}
	a.statusMu.Lock()
	defer a.statusMu.Unlock()
	for i, p := range a.ports {
		info := p.Info()
		s.Ports = append(s.Ports, PortStatus{Name: a.cfg.Ports[i].Name, Device: info.Name, Steering: info.Steering, Stats: p.Stats()})
	}
	for _, p := range a.core.StaticPairs() {
		s.SAs = append(s.SAs, SAStatus{Tunnel: a.cfg.Tunnels[p.Tunnel].Name, Lcore: p.Lcore, SPIIn: p.SPIIn, SPIOut: p.SPIOut, Suite: p.Suite, Sends: p.HasOut})
	}
	for _, p := range a.core.Pairs() {
		s.SAs = append(s.SAs, SAStatus{Tunnel: p.Name, Lcore: p.Lcore, SPIIn: p.SPIIn, SPIOut: p.SPIOut, Suite: p.Suite, Sends: p.Out})
	}
	s.Events, s.Punted, s.Rekeys = a.core.Counts()
	return s
}
