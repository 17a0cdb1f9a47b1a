package umlpeer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// daemonKit is a kit whose daemon is a shell script.
func daemonKit(t *testing.T, starter string) DaemonConfig {
	t.Helper()
	dir := fakeKit(t)
	t.Setenv(KitVariable, dir)
	t.Setenv("UML", "ready")
	t.Setenv("GUEST", "ready")
	for name, text := range map[string]string{
		"umlpeer.sh": "", "strongswan-peer.sh": starter, "ikectl.sh": `echo "in $1: $2"; [ "$2" != fail ]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return DaemonConfig{
		Implementation: StrongSwan, Interface: "out", Folder: t.TempDir(), Timeout: time.Minute, Args: []string{"-u", "2"},
		Enter: func(f func() error) error { return f() },
	}
}

// Only the kit's own program makes the root folder, which takes a minute: where it is missing, tests skip.
func TestDaemonUnavailable(t *testing.T) {
	d, err := StartDaemon(t.Context(), daemonKit(t, ""))
	if d != nil || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "mk-rootfs.sh") {
		t.Errorf("%v, %v; expected ErrUnavailable and who makes the root folder", d, err)
	}
}

// haveRoot makes what stands for a root folder.
func haveRoot(t *testing.T) {
	t.Helper()
	cache, err := cacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SUITE", "test")
	touch(t, 0o644, cache, "rootfs-test", ".complete")
}

// A daemon gets folder, interface and options, runs commands, shows its log, and ends with Stop.
func TestDaemon(t *testing.T) {
	cfg := daemonKit(t, `while [ $# -gt 0 ]; do case $1 in -o) o=$2 ;; esac; all="$all $1"; shift; done
echo "$all" >"$o/charon.log"
echo READY
trap 'exit 0' TERM
while :; do sleep 0.05; done`)
	haveRoot(t)
	d, err := StartDaemon(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := " -o " + cfg.Folder + " -n raw:out -t 61 -u 2\n"; d.Log() != want {
		t.Errorf("options %q, expected %q", d.Log(), want)
	}
	if out, err := d.Run(t.Context(), "swanctl --stats"); err != nil || out != "in "+cfg.Folder+": swanctl --stats\n" {
		t.Errorf("command: %q, %v", out, err)
	}
	if out, err := d.Run(t.Context(), "fail"); err == nil || !strings.HasPrefix(out, "in ") {
		t.Errorf("failed command: %q, %v; expected its output and an error", out, err)
	}
	for range 2 {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// A daemon that does not come up is an error with its own words.
func TestDaemonFails(t *testing.T) {
	cfg := daemonKit(t, "echo no luck >&2; exit 3")
	haveRoot(t)
	_, err := StartDaemon(t.Context(), cfg)
	if errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("%v, expected ErrEnded with what the starter said", err)
	}
}
