package strongswan

import (
	"context"
	_ "embed"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/appliance/testbed/umlpeer"
)

//go:embed testdata/udp.pl
var udpProgram []byte

// charon is strongSwan 5.9.8 in the namespace "outside".
type charon struct {
	testing.TB
	ns     *netns
	nsName string
	script string // the kit's
	folder string
	args   []string
	pid    int
	guard  io.Closer
}

// startCharon gives the outside its addresses and starts the daemon; args are more options of the kit's script.
func startCharon(n *network, folder string, args ...string) *charon {
	n.Helper()
	kit := os.Getenv(umlpeer.KitVariable)
	script := filepath.Join(kit, "strongswan-5.9.8.sh")
	if _, err := os.Stat(script); kit == "" || err != nil {
		n.Skipf("SKIP: %s does not name the interop kit: %v", umlpeer.KitVariable, err)
	}
	needPrograms(n, "charon-systemd", "swanctl")
	n.must(n.outside.ip("link set out up", "addr add "+n.theirs()+"/24 dev out", "addr add "+peers6+"/64 dev out nodad",
		"addr add "+peerNet4+" dev lo", "addr add "+peerNet6+" dev lo nodad"))
	if n.behind == them {
		n.must(n.outside.ip("route add default via " + natInside))
	}
	if folder == "" {
		folder = n.TempDir()
	}
	n.must(os.WriteFile(filepath.Join(folder, "udp.pl"), udpProgram, 0o644))
	c := &charon{TB: n, ns: n.outside, nsName: n.outside.name(n), script: script, folder: folder}
	c.args = append([]string{"-n", c.nsName, "-L", peerNet4 + "," + peerNet6, "-R", ourNet4 + "," + ourNet6, "-g", "delete_rekeyed_delay = 1"}, args...)
	c.start()
	n.Cleanup(func() {
		_ = unix.Kill(c.pid, unix.SIGKILL) // the test may have; in good order it takes more than a second
		if n.Failed() {
			n.Logf("strongSwan 5.9.8:\n%s", c.log())
		}
	})
	return c
}

// start starts the daemon.
func (c *charon) start() {
	c.Helper()
	const attempts = 3 // the kit's script may ask before the daemon listens
	args := append([]string{c.script, "start", "-d", c.folder}, c.args...)
	for i := 1; ; i++ {
		out, err := exec.Command("sh", args...).CombinedOutput()
		if err == nil {
			break
		}
		c.stop() // whatever the script has left
		switch {
		case strings.Contains(string(out), "no /dev/net/tun"):
			c.Skipf("SKIP: %s", out)
		case i == attempts || !strings.Contains(string(out), "Connection refused"):
			c.Fatalf("start of strongSwan 5.9.8: %v\n%s", err, out)
		}
	}
	b, err := os.ReadFile(filepath.Join(c.folder, "pid"))
	if err == nil {
		c.pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	if err == nil {
		err = c.watch()
	}
	if err != nil {
		c.Fatal(err)
	}
}

// watch lets a shell end the daemon if the test is killed: then the shell's input ends without a word.
func (c *charon) watch() error {
	guard := exec.Command("sh", "-c", `read -r done || kill -KILL "$1"`, "sh", strconv.Itoa(c.pid))
	in, err := guard.StdinPipe()
	if err != nil {
		return err
	}
	c.guard = in
	if err := guard.Start(); err != nil {
		return err
	}
	c.Cleanup(func() {
		_, _ = io.WriteString(in, "done\n")
		_ = guard.Wait() // it has nothing to say
	})
	return nil
}

// stop ends the daemon in good order: it deletes its SAs.
func (c *charon) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "sh", c.script, "stop", "-d", c.folder).CombinedOutput(); err != nil {
		c.Errorf("stop of strongSwan 5.9.8: %v\n%s", err, out)
	}
}

// kill ends the daemon without a chance to tell anybody.
func (c *charon) kill() {
	c.Helper()
	c.signal(unix.SIGKILL)
}

// hold stops the daemon where it is until release is called.
func (c *charon) hold() (release func()) {
	c.signal(unix.SIGSTOP)
	return func() { c.signal(unix.SIGCONT) }
}

func (c *charon) signal(s unix.Signal) {
	c.Helper()
	if err := unix.Kill(c.pid, s); err != nil {
		c.Fatal(err)
	}
}

func (c *charon) run(command string) (string, error) { return c.ns.run("", "sh", "-c", command) }

func (c *charon) swanctl(args ...string) (string, error) {
	out, err := exec.Command("sh", append([]string{c.script, "ctl", "-d", c.folder}, args...)...).CombinedOutput()
	return string(out), err
}

func (c *charon) log() string {
	b, err := os.ReadFile(filepath.Join(c.folder, "charon.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (c *charon) udp() string { return filepath.Join(c.folder, "udp.pl") }
