package cli

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater/appliance"
	"stillwater/appliance/mgmt"
	"stillwater/pmd"
)

// remoteText is what a peer could call itself to take over a terminal: it clears the screen, sets its title, and turns the
// direction of writing.
const remoteText = "peer\x1b[2J\x9b1m\u009b2J\u202eevil\n\t"

// double is an appliance made of lists, for the verbs to talk to. Safe for concurrent use.
type double struct {
	mu       sync.Mutex
	sas      []mgmt.IKESA
	failures []mgmt.Failure
	orders   []string
	onOrder  func(*double) error
}

// newDouble has a connection that is up, one that is not, and a static tunnel.
func newDouble() *double {
	hour := 3600.0
	return &double{sas: []mgmt.IKESA{{
		Connection: "office", State: "established", Up: true, Initiator: true, Local: netip.MustParseAddrPort("192.0.2.1:500"),
		Remote: netip.MustParseAddrPort("192.0.2.2:500"), RemoteID: "gw.example", SPIi: 0x1f, SPIr: 0xfedcba9876543210,
		Suite: "aes256gcm16-prfsha384-ecp384", Age: 192, RekeyIn: &hour, Children: []mgmt.ChildSA{
			{Name: "lan", State: "up", Up: true, SPIIn: 0x40000001, SPIOut: 0x1000, Suite: "aes256gcm16-esn", Lcore: 1, Fallback: true,
				Mode: "constant", Local: []string{"10.1.0.0/16"}, Remote: []string{"10.2.0.0/16", "10.3.0.0/16"}, Age: 12,
				Received: mgmt.Carried{Packets: 21, Octets: 22}, Sent: mgmt.Carried{Packets: 23, Octets: 24}},
			{Name: "lan", State: "lingering", SPIIn: 0x40000002, SPIOut: 0x1001, Suite: "aes256gcm16-esn", Mode: "constant"},
		},
	}}}
}

func (d *double) Configured() []mgmt.Configured {
	return []mgmt.Configured{
		{Name: "office", Remote: "192.0.2.2", Children: []string{"lan"}}, {Name: "home", Remote: "0.0.0.0/0", Children: []string{"all", "voice"}},
	}
}

func (d *double) Static() []mgmt.StaticSA {
	return []mgmt.StaticSA{{Tunnel: "wan", Lcore: 3, SPIIn: 0x1001, SPIOut: 0x1002, Suite: "aes128gcm16",
		Received: mgmt.Carried{Packets: 31, Octets: 32}, Sent: mgmt.Carried{Packets: 33, Octets: 34}}}
}

func (d *double) Status() mgmt.Status {
	return mgmt.Status{
		Ports:  []appliance.PortStatus{{Name: "outside", Device: "soft:a", Steering: "software", Stats: pmd.Stats{RxPackets: 7, TxPackets: 8, TxDropped: 9}}},
		Lcores: []appliance.LcoreStatus{{Lcore: 0, CPU: 4, Sealed: 11, Opened: 12}, {Lcore: 1, CPU: -1, Dead: true, MissedSlots: 13}},
		Drops:  map[string]uint64{"replayed": 5, "bad ICV": 6},
	}
}

func (d *double) SAs(context.Context) ([]mgmt.IKESA, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sas), nil
}

func (d *double) Failures(context.Context) ([]mgmt.Failure, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.failures), nil
}

func (d *double) order(words ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders = append(d.orders, strings.Join(words, " "))
	if d.onOrder == nil {
		return nil
	}
	return d.onOrder(d)
}

func (d *double) Initiate(_ context.Context, connection, child string) error {
	return d.order("initiate", connection, child)
}

func (d *double) Terminate(_ context.Context, connection string) error {
	return d.order("terminate", connection)
}

func (d *double) Rekey(_ context.Context, connection string, ike, children bool) error {
	return d.order("rekey", connection, map[bool]string{true: "ike", false: "-"}[ike], map[bool]string{true: "children", false: "-"}[children])
}

// serve gives the double a socket until the test ends.
func (d *double) serve(t *testing.T) (socket string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	socket = filepath.Join(t.TempDir(), "s")
	ended := make(chan error, 1)
	go func() { ended <- mgmt.Serve(ctx, socket, d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	awaitSocket(t, socket)
	return socket
}

// awaitSocket waits, for a minute at most, until somebody listens.
func awaitSocket(t *testing.T, socket string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// errNoName is what an appliance says to a name that is not configured.
var errNoName = errors.New(`no connection "offcie"; the nearest configured name is "office"`)
