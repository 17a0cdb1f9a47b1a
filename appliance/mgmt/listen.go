package mgmt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// ErrInUse is why a socket that another program listens on is not taken from it.
var ErrInUse = errors.New("another program listens on it")

// socketMode is for the owner alone; root needs no permission.
const socketMode = 0o600

// listener is a socket in the file system. Owned by one goroutine, but for Close of what it embeds.
type listener struct {
	*net.UnixListener
	path string
	file os.FileInfo // of the socket as it was made
}

// listen makes the socket. One whose program has died is replaced; two programs that replace it at the same moment are not
// told apart, and the later one has it.
func listen(path string) (*listener, error) {
	if err := clearStale(path); err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	lc := net.ListenConfig{Control: restrict}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, reason(err))
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false) // remove looks whose it is
	file, err := os.Lstat(path)
	if err == nil && file.Mode().Perm()&^socketMode != 0 {
		err = fmt.Errorf("mode %v, expected %v", file.Mode().Perm(), fs.FileMode(socketMode))
	}
	if err != nil {
		u.Close()
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	return &listener{u, path, file}, nil
}

// restrict sets the mode of a socket before it has a name: the kernel gives the name that mode, less the umask, so that there
// is no moment at which others could connect, and the umask of the process stays as it is.
func restrict(_, _ string, c syscall.RawConn) error {
	var chmod error
	if err := c.Control(func(fd uintptr) { chmod = syscall.Fchmod(int(fd), socketMode) }); err != nil {
		return err
	}
	return chmod
}

// clearStale removes a socket that nobody listens on, and refuses to remove anything else.
func clearStale(path string) error {
	file, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return reason(err)
	case file.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file of that name that is no socket")
	}
	c, err := net.Dial("unix", path)
	switch {
	case err == nil:
		c.Close()
		return ErrInUse
	case errors.Is(err, syscall.EAGAIN): // its queue of connections is full, so there is somebody
		return ErrInUse
	case !errors.Is(err, syscall.ECONNREFUSED):
		return reason(err)
	}
	return os.Remove(path)
}

// remove takes the name away, unless it is another program's by now.
func (l *listener) remove() error {
	l.Close()
	file, err := os.Lstat(l.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(file, l.file) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(l.path)
}

// reason is what the kernel said, without the path that package net and os repeat.
func reason(err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}
