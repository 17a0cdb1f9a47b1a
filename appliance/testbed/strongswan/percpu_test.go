package strongswan

import (
	"fmt"
	"testing"

	"stillwater/appliance/testbed/umlpeer"
)

// Per-resource SAs (RFC 9611) with a peer of two CPUs, with and without UDP encapsulation; with it, each of the peer's outbound
// SAs has a random source port of its own. Traffic on each of its CPUs makes an SA for that CPU, whoever began.
func TestPerCPU(t *testing.T) {
	for _, mode := range []string{"yes", "encap"} {
		for _, who := range bothBegin {
			t.Run(mode+", "+string(who), func(t *testing.T) { perCPU(t, mode, who) })
		}
	}
}

func perCPU(t *testing.T, mode string, who begins) {
	n := newNetwork(t, nobody, insideMTU)
	args, listed := []string{"-u", "2", "-P", mode, "-S", "trap"}, "IPTFS"
	if mode == "encap" {
		args, listed = append(args, "-U"), "IPTFS-in-UDP"
	}
	p := startDaemon(n, umlpeer.StrongSwan, args...)
	g := startGateway(n, settings{connection: "iptfs = \"require\"\nper_resource_sas = 4", lcores: 2})
	if who == weBegin {
		g.order()
	} else {
		swanctl(t, p, "--initiate", "--child", child, "--timeout", "8")
	}
	await(t, "an IKE SA", func() string {
		if sas := g.snapshot(); len(sas) != 1 || sas[0].State != "established" {
			return describe(sas)
		}
		return ""
	})
	var list string
	await(t, "an SA for each CPU", func() string {
		for cpu := range 2 {
			_, _ = p.run(fmt.Sprintf("taskset -c %d ping -q -c 1 -W 1 -I %s %s", cpu, peerInner4, hostInner4)) // the first ones may be lost
		}
		list = sas(t, p)
		return mismatch(list, []string{`cpu -, INSTALLED, ` + listed + `,`, `cpu 0, INSTALLED, ` + listed + `,`, `cpu 1, INSTALLED, ` + listed + `,`})
	})
	awaitLog(t, p, `RES_INFO|SA_RESOURCE_INFO`)
	for cpu := range 2 {
		if out, err := p.run(fmt.Sprintf("taskset -c %d sh -c '%s'", cpu, ping(peerInner4, hostInner4))); err != nil {
			t.Errorf("CPU %d: %v\n%s", cpu, err, out)
		}
	}
	newTraffic(n, p, true, somePackets).both()
	lcores := map[int]bool{}
	for _, pair := range g.Core().Pairs() {
		lcores[pair.Lcore] = true
	}
	if len(lcores) != 2 {
		t.Errorf("SAs on lcores %v, expected both\n%s", lcores, list)
	}
	swanctl(t, p, "--terminate", "--ike", connection)
	g.awaitGone()
}
