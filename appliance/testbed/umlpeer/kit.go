package umlpeer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// KitVariable is the environment variable that names the folder of the interop kit.
const KitVariable = "STILLWATER_INTEROP"

// starter is the kit's script that runs one kernel in the foreground.
const starter = "umlpeer.sh"

// ErrUnavailable is returned, wrapped with the reason, where this machine cannot run the peer: the test should skip.
var ErrUnavailable = errors.New("kernel peer unavailable")

// kit is what Start needs on this machine.
type kit struct {
	dir   string // the kit's folder
	shell string
	cache string // where the kit keeps what it unpacks and builds
}

// findKit looks for everything a start needs, so that what is missing has a name and is not a failure half way.
func findKit() (kit, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return kit{}, fmt.Errorf("%w: the kernel is for linux/amd64, this is %s/%s", ErrUnavailable, runtime.GOOS, runtime.GOARCH)
	}
	dir := os.Getenv(KitVariable)
	if dir == "" {
		return kit{}, fmt.Errorf("%w: %s does not name the interop kit", ErrUnavailable, KitVariable)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return kit{}, fmt.Errorf("%w: %s: %w", ErrUnavailable, KitVariable, err)
	}
	needs := []string{starter}
	if os.Getenv("UML") == "" { // the kit's own variables for a ready kernel and guest program
		needs = append(needs, "linux-uml.xz")
	}
	for _, name := range needs {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return kit{}, fmt.Errorf("%w: %s=%s: %w", ErrUnavailable, KitVariable, dir, err)
		}
	}
	shell, err := findPrograms()
	if err != nil {
		return kit{}, err
	}
	cache, err := cacheFolder()
	if err != nil {
		return kit{}, fmt.Errorf("%w: cache folder: %w", ErrUnavailable, err)
	}
	return kit{dir: dir, shell: shell, cache: cache}, nil
}

// findPrograms returns the shell once every program the starter calls is there.
func findPrograms() (shell string, err error) {
	names := []string{"timeout", "tail", "mktemp"}
	if os.Getenv("UML") == "" {
		names = append(names, "xz")
	}
	if os.Getenv("GUEST") == "" {
		names = append(names, "go")
	}
	for _, name := range append(names, "sh") {
		if shell, err = exec.LookPath(name); err != nil {
			return "", fmt.Errorf("%w: program %s: %w", ErrUnavailable, name, err)
		}
	}
	return shell, nil
}

// cacheFolder returns the kit's cache, made if need be.
func cacheFolder() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home := os.Getenv("HOME")
		if home == "" {
			return "", errors.New("neither XDG_CACHE_HOME nor HOME is set")
		}
		base = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(base, "stillwater-interop")
	return dir, os.MkdirAll(dir, 0o755)
}

// lockPause is how long a start waits before it looks again whether another one is through.
const lockPause = 20 * time.Millisecond

// lock keeps starts of other processes and of this one apart until unlock is called. The system releases it when a
// process dies.
func (k kit) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(k.cache, "start.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	pause := time.NewTicker(lockPause)
	defer pause.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != unix.EWOULDBLOCK {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-pause.C:
		}
	}
}
