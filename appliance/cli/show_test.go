package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"stillwater/appliance/mgmt"
)

// tables is what "show" prints of a double, with the runs of spaces between columns as "|".
var tables = map[string]string{
	"sas": `CONNECTION|STATE|ROLE|REMOTE|REMOTE ID|SPI I|SPI R|SUITE|AGE|REKEY IN
office|established|initiator|192.0.2.2:500|gw.example|000000000000001f|fedcba9876543210|aes256gcm16-prfsha384-ecp384|3m12s|1h0m0s

CHILD|STATE|LCORE|SPI IN|SPI OUT|SUITE|MODE|LOCAL|REMOTE|AGE|REKEY IN|PACKETS IN|OCTETS IN|PACKETS OUT|OCTETS OUT
office/lan|up|1 fallback|40000001|00001000|aes256gcm16-esn|constant|10.1.0.0/16|10.2.0.0/16 10.3.0.0/16|12s|-|21|22|23|24
office/lan|lingering|0|40000002|00001001|aes256gcm16-esn|constant|-|-|0s|-|0|0|0|0

TUNNEL|LCORE|SPI IN|SPI OUT|SUITE|PACKETS IN|OCTETS IN|PACKETS OUT|OCTETS OUT
wan|3|00001001|00001002|aes128gcm16|31|32|33|34
`,
	"connections": `CONNECTION|STATE|REMOTE|IKE SAS|CHILDREN UP|CHILD SAS|SINCE
office|up|192.0.2.2|1|1 of 1|1|3m12s
home|down|0.0.0.0/0|0|0 of 2|0|-
`,
	"failures": "no failures\n",
	"ports": `PORT|DEVICE|STEERING|RX|RX OCTETS|RX DROPPED|RX ERRORS|TX|TX OCTETS|TX DROPPED
outside|soft:a|software|7|0|0|0|8|0|9
`,
	"lcores": `LCORE|CPU|STATE|INSIDE RX|INSIDE TX|OUTSIDE RX|OUTSIDE TX|SEALED|OPENED|HANDED OVER|MISSED SLOTS
0|4|running|0|0|0|0|11|12|0|0
1|any|dead|0|0|0|0|0|0|0|13
`,
	"drops": "VERDICT|PACKETS\nbad ICV|6\nreplayed|5\n",
}

var columns = regexp.MustCompile(` {2,}`)

// TestShowTables prints every table there is; flags may stand on either side of its name.
func TestShowTables(t *testing.T) {
	socket := newDouble().serve(t)
	for _, what := range mgmt.Tables() {
		want, ok := tables[what]
		if !ok {
			t.Errorf("no expectation for show %s", what)
		}
		for _, args := range [][]string{{"show", what, "-s", socket}, {"show", "-s", socket, what}} {
			if got := columns.ReplaceAllString(mustPass(t, args...).stdout, "|"); got != want {
				t.Errorf("%q: got\n%s\nexpected\n%s", args, got, want)
			}
		}
		for _, args := range [][]string{{"show", what, "-json", "-s", socket}, {"show", "-s", socket, "-json", what}} {
			if got := mustPass(t, args...).stdout; !json.Valid([]byte(got)) || strings.Count(got, "\n") != 1 {
				t.Errorf("%q printed %s", args, got)
			}
		}
	}
}

// TestShowSAsJSON prints what the appliance said, for programs that decode it.
func TestShowSAsJSON(t *testing.T) {
	socket := newDouble().serve(t)
	var got mgmt.SAs
	if err := json.Unmarshal([]byte(mustPass(t, "show", "sas", "-json", "-s", socket).stdout), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.IKE) != 1 || got.IKE[0].Children[0].SPIIn != 0x40000001 || len(got.Static) != 1 {
		t.Fatalf("got %+v", got)
	}
	if c, s := got.IKE[0].Children[0], got.Static[0]; c.Received != (mgmt.Carried{Packets: 21, Octets: 22}) || c.Sent.Packets != 23 || s.Received.Octets != 32 || s.Sent.Octets != 34 {
		t.Errorf("got %+v", got)
	}
}

// TestShowNothing says that there is nothing.
func TestShowNothing(t *testing.T) {
	var out bytes.Buffer
	printSAs(&out, mgmt.SAs{})
	printConnections(&out, nil)
	printFailures(&out, nil)
	printDrops(&out, nil)
	if got, want := out.String(), "no SAs\nno connections\nno failures\nno drops\n"; got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}

// TestShowFailures prints one line each, with everything that is known.
func TestShowFailures(t *testing.T) {
	d := newDouble()
	d.failures = []mgmt.Failure{{Time: time.Unix(1e9, 0), Remote: "192.0.2.7:500", Stage: "IKE_SA_INIT", Reason: "no connection for these addresses"},
		{Connection: "office", Remote: "192.0.2.2:500", Stage: "IKE_AUTH", Notify: "AUTHENTICATION_FAILED", FromPeer: true, Key: "psk_file", Reason: "refused"}}
	got := strings.Split(mustPass(t, "show", "failures", "-s", d.serve(t)).stdout, "\n")
	for i, want := range []string{`^TIME +CONNECTION +VERDICT$`,
		`^2001-09-\d\d \d\d:\d\d:40 +- +IKE_SA_INIT with 192\.0\.2\.7:500 failed: no connection for these addresses$`,
		`office +IKE_AUTH with 192\.0\.2\.2:500 failed: refused; the peer sent AUTHENTICATION_FAILED; key to change: psk_file$`, `^$`} {
		if i >= len(got) || !regexp.MustCompile(want).MatchString(got[i]) {
			t.Fatalf("line %d of %q, expected %s", i, got, want)
		}
	}
}

// unsafeFor lists the octets and characters of a text that a terminal could obey.
var unsafeFor = regexp.MustCompile("[\\x00-\\x09\\x0b-\\x1f\\x7f\u0080-\u009f\u202a-\u202e]")

// TestTerminalSafe escapes what a peer says of itself, in tables, JSON and errors; JSON still says the same.
func TestTerminalSafe(t *testing.T) {
	d := newDouble()
	d.sas[0].RemoteID = remoteText
	d.failures = []mgmt.Failure{{Connection: "office", Reason: remoteText}}
	d.onOrder = func(d *double) error {
		d.failures = append(d.failures, mgmt.Failure{Connection: "home", Reason: remoteText + "\U000e0001"})
		return nil
	}
	socket := d.serve(t)
	for _, args := range [][]string{{"show", "sas"}, {"show", "sas", "-json"}, {"show", "failures"}, {"show", "failures", "-json"}, {"initiate", "home"}} {
		o := call(append(args, "-s", socket)...)
		text := o.stdout + o.stderr
		if unsafeFor.MatchString(text) || !strings.Contains(text, "evil") || !strings.Contains(text, "peer") {
			t.Errorf("%q printed %q", args, text)
		}
	}
	o := mustPass(t, "show", "sas", "-json", "-s", socket)
	var got mgmt.SAs
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil || got.IKE[0].RemoteID != strings.ToValidUTF8(remoteText, "\ufffd") {
		t.Errorf("JSON says %q, %v", got.IKE[0].RemoteID, err)
	}
	if got, want := printableJSON([]byte("\"a\U000e0001\u009b\"")), `"a\udb40\udc01\u009b"`; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

// TestNoAppliance says so, with the path that was tried, and status 1.
func TestNoAppliance(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	for _, args := range [][]string{{"show", "sas"}, {"initiate", "office"}, {"terminate", "office"}, {"rekey", "office"}} {
		o := call(append(args, "-s", socket)...)
		if o.status != exitFailed || o.stdout != "" || !strings.Contains(o.stderr, socket) || !strings.Contains(o.stderr, "no appliance") {
			t.Errorf("%q: status %d, %q, %q", args, o.status, o.stdout, o.stderr)
		}
	}
}

// TestRunAnswersOperators asks an appliance that runs, which takes its socket away when it ends.
func TestRunAnswersOperators(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	file := soloFile(t, `socket = ""`, `socket = "`+socket+`"`)
	ended := make(chan int, 1)
	stderr := &signalled{text: "\x00"} // never written
	go func() { ended <- Main([]string{"run", "-c", file}, &bytes.Buffer{}, stderr) }()
	awaitSocket(t, socket)
	for what, want := range map[string]string{
		"sas": "t       0      00001001  00001002  aes128gcm16", "connections": "no connections", "failures": "no failures",
		"ports": "outside", "lcores": "running", "drops": "no drops",
	} {
		if o := mustPass(t, "show", what, "-s", socket); !strings.Contains(o.stdout, want) {
			t.Errorf("show %s printed\n%s\nexpected %q", what, o.stdout, want)
		}
	}
	if o := call("initiate", "t", "-s", socket); o.status != exitFailed || !strings.Contains(o.stderr, "none is configured") {
		t.Errorf("initiate of a tunnel: status %d, %q", o.status, o.stderr)
	}
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	if status := <-ended; status != exitOK {
		t.Errorf("status %d, %s", status, stderr.buf.String())
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestRunWithoutSocket carries traffic although operators cannot reach it, and says so.
func TestRunWithoutSocket(t *testing.T) {
	socket := newDouble().serve(t) // somebody else's
	stderr := &signalled{text: "no operator can reach", f: func() { syscall.Kill(os.Getpid(), syscall.SIGTERM) }}
	status := Main([]string{"run", "-c", soloFile(t, `socket = ""`, `socket = "`+socket+`"`)}, &bytes.Buffer{}, stderr)
	if log := stderr.buf.String(); status != exitOK || !strings.Contains(log, socket) || !strings.Contains(log, "tunnel up") {
		t.Errorf("status %d, log %s", status, log)
	}
	mustPass(t, "show", "drops", "-s", socket)
}
