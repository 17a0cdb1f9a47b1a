package cli

import (
	"io"

	"stillwater/appliance"
)

func printPorts(w io.Writer, list []appliance.PortStatus) {
	row(w, "PORT", "DEVICE", "STEERING", "RX", "RX OCTETS", "RX DROPPED", "RX ERRORS", "TX", "TX OCTETS", "TX DROPPED")
	for _, p := range list {
		s := &p.Stats
		row(w, p.Name, p.Device, p.Steering, s.RxPackets, s.RxOctets, s.RxDropped, s.RxErrors, s.TxPackets, s.TxOctets, s.TxDropped)
	}
}

func printLcores(w io.Writer, list []appliance.LcoreStatus) {
	row(w, "LCORE", "CPU", "STATE", "INSIDE RX", "INSIDE TX", "OUTSIDE RX", "OUTSIDE TX", "SEALED", "OPENED", "HANDED OVER", "MISSED SLOTS")
	for _, l := range list {
		cpu, state := any(l.CPU), "running"
		if l.CPU < 0 {
			cpu = "any"
		}
		if l.Dead {
			state = "dead"
		}
		row(w, l.Lcore, cpu, state, l.InsideRx, l.InsideTx, l.OutsideRx, l.OutsideTx, l.Sealed, l.Opened, l.HandedOver, l.MissedSlots)
	}
}

func printDrops(w io.Writer, drops map[string]uint64) {
	if len(drops) == 0 {
		row(w, "no drops")
		return
	}
	row(w, "VERDICT", "PACKETS")
	for _, verdict := range sortedKeys(drops) {
		row(w, verdict, drops[verdict])
	}
}
