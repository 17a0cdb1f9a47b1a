package mgmt

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCheckUser lets in root and the appliance's own user.
func TestCheckUser(t *testing.T) {
	for _, c := range []struct {
		uid, own uint32
		ok       bool
	}{{0, 0, true}, {0, 1000, true}, {1000, 1000, true}, {1000, 0, false}, {1001, 1000, false}, {^uint32(0), 0, false}} {
		if err := checkUser(c.uid, c.own); (err == nil) != c.ok {
			t.Errorf("user %d to an appliance of user %d: %v", c.uid, c.own, err)
		}
	}
}

// nobody is the user that has nothing.
const nobody = 65534

// TestOtherUser connects as another user, first as the socket is, then with a mode that lets everybody connect.
func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP: only root can connect as somebody else")
	}
	dir, err := os.MkdirTemp("", "mgmt") // t.TempDir is in a folder that others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := serveAt(t, filepath.Join(dir, "s"), office())
	if c, err := dialAs(nobody, s.path); err == nil {
		c.Close()
		t.Error("another user could connect")
	}
	if err := os.Chmod(s.path, 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := dialAs(nobody, s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := s.replies(c)
	if got := r.next(); got.OK || !strings.Contains(got.Error, "65534") {
		t.Errorf("got %+v, expected a refusal that names the user", got)
	}
	r.ended()
}

// dialAs connects on a thread of its own that has become another user, and that ends with its goroutine.
func dialAs(uid int, path string) (c net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			err = errno
			return
		}
		c, err = net.Dial("unix", path)
	}()
	<-done
	return c, err
}
