package umlpeer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeKit points the environment at an empty kit and returns its folder.
func fakeKit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(KitVariable, dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("UML", "")
	t.Setenv("GUEST", "")
	return dir
}

// touch makes an empty file; mode 0o755 makes it a program.
func touch(t *testing.T, mode os.FileMode, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, mode); err != nil {
		t.Fatal(err)
	}
}

// Whatever is missing, Start says what, and in a way a test can skip on.
func TestUnavailable(t *testing.T) {
	dir := fakeKit(t)
	bin := filepath.Join(dir, "bin")
	t.Setenv("PATH", bin)
	steps := []struct {
		want string // what Start misses
		mend func() // what puts it right
	}{
		{"does not name the interop kit", func() { t.Setenv(KitVariable, dir) }},
		{starter, func() { touch(t, 0o755, dir, starter) }},
		{"linux-uml.xz", func() { touch(t, 0o644, dir, "linux-uml.xz") }},
		{"program timeout", func() { touch(t, 0o755, bin, "timeout") }},
		{"program tail", func() { touch(t, 0o755, bin, "tail") }},
		{"program mktemp", func() { touch(t, 0o755, bin, "mktemp") }},
		{"program xz", func() { touch(t, 0o755, bin, "xz") }},
		{"program go", func() { touch(t, 0o755, bin, "go") }},
		{"program sh", func() { touch(t, 0o755, bin, "sh") }},
	}
	t.Setenv(KitVariable, "")
	for _, s := range steps {
		p, err := Start(t.Context(), Config{})
		if p != nil || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), s.want) {
			t.Fatalf("%v, %v; expected ErrUnavailable for %s", p, err, s.want)
		}
		s.mend()
	}
	if k, err := findKit(); err != nil || k.dir != dir || k.shell != filepath.Join(bin, "sh") {
		t.Errorf("%+v, %v; expected the kit in %s", k, err, dir)
	}
}

func TestCacheFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", home)
	if got, err := cacheFolder(); err != nil || got != filepath.Join(home, ".cache", "stillwater-interop") {
		t.Errorf("%s, %v; expected the folder the kit uses", got, err)
	}
	t.Setenv("HOME", "")
	if _, err := cacheFolder(); err == nil {
		t.Error("no home and no cache folder, and no error")
	}
}

// One start at a time: the second waits until the first is through, or its context ends.
func TestLock(t *testing.T) {
	k := kit{cache: t.TempDir()}
	first, err := k.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.lock(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's end while another holds the lock", err)
	}
	second := make(chan error)
	go func() {
		unlock, err := k.lock(t.Context())
		if err == nil {
			unlock()
		}
		second <- err
	}()
	first()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// A starter that fails at once is an error with its own words.
func TestStarterFails(t *testing.T) {
	dir := fakeKit(t)
	t.Setenv("UML", "ready")
	t.Setenv("GUEST", "ready")
	if err := os.WriteFile(filepath.Join(dir, starter), []byte("echo no luck >&2; exit 3"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{})
	if errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v, expected ErrEnded with what the starter said", err)
	}
}
