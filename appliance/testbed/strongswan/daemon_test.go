package strongswan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stillwater/appliance/testbed/umlpeer"
)

// daemonLife bounds a peer with a kernel of its own, and so its test.
const daemonLife = time.Minute

// daemon is strongSwan 6.1 or libreswan 5.2 on a kernel of its own behind the interface "out".
type daemon struct {
	*umlpeer.Daemon
	kind umlpeer.Implementation
}

// optionsOf are the selectors, of which libreswan's script takes one each, and what shortens the time that old SAs stay.
var optionsOf = map[umlpeer.Implementation][]string{
	umlpeer.StrongSwan: {"-L", peerNet4 + "," + peerNet6, "-R", ourNet4 + " " + ourNet6, "-g", "delete_rekeyed_delay = 1"},
	umlpeer.Libreswan:  {"-L", peerNet4, "-R", ourNet4},
}

// startDaemon boots the kernel; args are more options of the kit's script.
func startDaemon(n *network, kind umlpeer.Implementation, args ...string) *daemon {
	n.Helper()
	n.must(n.outside.sysctl("ipv6/conf/out/disable_ipv6", "1"))
	n.must(n.outside.ip("link set out up"))
	folder := n.TempDir()
	n.must(os.WriteFile(filepath.Join(folder, "udp.pl"), udpProgram, 0o644))
	common := append(slices.Clone(optionsOf[kind]), "-i", peerID, "-j", ourID, "-k", secret, "-a", peerNet4+" "+peerNet6)
	if !slices.Contains(args, "-l") {
		common = append(common, "-l", peers4+"/24 "+peers6+"/64", "-r", n.seen(us))
	}
	d, err := umlpeer.StartDaemon(context.Background(), umlpeer.DaemonConfig{
		Implementation: kind, Interface: "out", Folder: folder, Timeout: daemonLife, Enter: n.outside.in, Args: append(common, args...),
	})
	if errors.Is(err, umlpeer.ErrUnavailable) {
		n.Skip("SKIP: " + err.Error())
	}
	n.must(err)
	n.Cleanup(func() {
		if n.Failed() {
			const state = "grep -v '\t0$' /proc/net/xfrm_stat; ip -s xfrm state"
			counters, err := (&daemon{d, kind}).run(state) // with what it says instead, where it has ended
			n.Logf("%s:\n%s\n%s\n%s%v", kind, afterStart(d.Log()), d.Transcript(), counters, err)
		}
		if err := d.Stop(); err != nil {
			n.Error(err)
		}
	})
	p := &daemon{d, kind}
	// IPv6 has no route through an IPv4 next hop, and jumbo packets need a route that takes them.
	for _, net := range []string{ourNet4 + " dev vec0 src " + peerInner4 + " mtu 9500", ourNet6 + " dev vec0 src " + peerInner6} {
		if out, err := p.run("ip route replace " + net); err != nil {
			n.Fatalf("%v\n%s", err, out)
		}
	}
	return p
}

// afterStart leaves out what libreswan says of itself before it has a connection.
func afterStart(log string) string {
	_, rest, ok := strings.Cut(log, "listening for IKE messages")
	if !ok {
		return log
	}
	return rest
}

func (d *daemon) run(command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), daemonLife)
	defer cancel()
	return d.Run(ctx, command)
}

func (d *daemon) swanctl(args ...string) (string, error) {
	return d.run("swanctl " + strings.Join(args, " "))
}

func (d *daemon) log() string { return d.Log() }

func (d *daemon) udp() string { return "/share/udp.pl" }
