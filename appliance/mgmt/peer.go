package mgmt

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer refuses a connection of another user: the mode of the socket is one lock, and this a second that copied or
// inherited descriptors and changed modes do not open.
func checkPeer(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var sockopt error
	if err := raw.Control(func(fd uintptr) { cred, sockopt = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if sockopt != nil {
		return fmt.Errorf("peer credentials: %w", sockopt)
	}
	return checkUser(cred.Uid, uint32(os.Geteuid()))
}

// checkUser lets in root and the user that the appliance runs as.
func checkUser(uid, own uint32) error {
	if uid != 0 && uid != own {
		return fmt.Errorf("user %d may not command this appliance, expected user %d or root", uid, own)
	}
	return nil
}
