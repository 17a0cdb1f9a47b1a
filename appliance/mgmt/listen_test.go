package mgmt

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stale leaves a socket behind, as a program does that is killed.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

// TestSocketMode makes the socket with a umask that would leave it open to everybody, and looks at the mode that bind gave
// it: nothing changes it afterwards.
func TestSocketMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	l, err := listen(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.remove()
	if got, want := l.file.Mode(), fs.ModeSocket|0o600; got != want {
		t.Errorf("mode %v, expected %v", got, want)
	}
}

// TestStaleSocket replaces what a dead program has left.
func TestStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale(t, path)
	l, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	if err := l.remove(); err != nil {
		t.Error(err)
	}
}

// TestLiveSocket refuses to take a socket from a program that lives, and leaves it as it is.
func TestLiveSocket(t *testing.T) {
	s := serve(t, office())
	err := Serve(context.Background(), s.path, office())
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("got %v, expected ErrInUse and the path", err)
	}
	if _, err := Call(context.Background(), s.path, Request{Verb: VerbShow, What: "connections"}); err != nil {
		t.Errorf("the first one does not answer any more: %v", err)
	}
}

// TestOtherFile leaves alone what is no socket, and names what is in the way.
func TestOtherFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		file: "no socket", link: "no socket", dir: "no socket", filepath.Join(dir, "none", "s"): "no such file",
		filepath.Join(dir, strings.Repeat("s", 108)): "invalid argument",
	} {
		err := Serve(context.Background(), path, office())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), reason) {
			t.Errorf("got %v, expected %s and %q", err, path, reason)
		}
	}
	if got, err := os.ReadFile(file); string(got) != "precious" {
		t.Errorf("the file is now %q, %v", got, err)
	}
}

// TestRemoved takes the socket away at the end, but not one that somebody else has put in its place.
func TestRemoved(t *testing.T) {
	s := serve(t, office())
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	s = serve(t, office())
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	stale(t, s.path)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(s.path); err != nil {
		t.Errorf("the other socket is gone: %v", err)
	}
	s = serve(t, office())
	os.Remove(s.path)
	if err := s.stop(); err != nil {
		t.Errorf("a socket that is gone already: %v", err)
	}
}
