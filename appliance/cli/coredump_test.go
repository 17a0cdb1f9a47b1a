package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// dumpChild says in the environment of a child of this test that it is one.
const dumpChild = "STILLWATER_TEST_COREDUMP"

// TestRunForbidsCoreDumps looks at a child process that was told to run a configuration that is not there: dumps are off
// before anything is read.
func TestRunForbidsCoreDumps(t *testing.T) {
	if file := os.Getenv(dumpChild); file != "" {
		fmt.Printf("before: %s\n", dumpState(t))
		o := call("run", "-c", file)
		fmt.Printf("after: %s\nstatus %d, %s", dumpState(t), o.status, o.stderr)
		return
	}
	missing := filepath.Join(t.TempDir(), "missing.toml")
	c := exec.Command(os.Args[0], "-test.run=^TestRunForbidsCoreDumps$")
	c.Env = append(os.Environ(), dumpChild+"="+missing)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "before: off") {
		t.Skip("SKIP: dumps of every process are off here")
	}
	if !strings.Contains(string(out), "after: off\n") || !strings.Contains(string(out), "status 1") || !strings.Contains(string(out), missing) ||
		strings.Contains(string(out), "core dumps are not off") {
		t.Errorf("the child printed\n%s", out)
	}
}

// dumpState is "off" when neither a core file of this process can be written nor its memory be read by others of its user.
func dumpState(t *testing.T) string {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if limit == (unix.Rlimit{}) && dumpable == 0 {
		return "off"
	}
	return fmt.Sprintf("limit %d of %d, dumpable %d", limit.Cur, limit.Max, dumpable)
}
