package fdpmd

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxBatch is the largest number of messages one system call moves. Above 64 the call is no longer what costs.
const MaxBatch = 64

// mmsghdr is struct mmsghdr of recvmmsg(2): a message and the octets moved for it.
type mmsghdr struct {
	msg unix.Msghdr
	len uint32
}

// The kernel steps through vectors of mmsghdr: a message, the length, and padding to the next pointer.
var _ [unsafe.Sizeof(unix.Msghdr{}) + unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(mmsghdr{})]byte{}

// recvmmsg reads up to len(hdrs) messages and returns how many there were; it never waits.
//
// It is Syscall and not RawSyscall, here and in sendmmsg: a busy poll made of raw system calls never gives the
// scheduler a chance, and the collector would wait for it for ever.
func recvmmsg(fd int, hdrs []mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))),
		uintptr(len(hdrs)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// sendmmsg writes a prefix of hdrs and returns its length; the error is that of the first message and only comes with
// length 0. It never waits, and a peer that has gone is an error and not a signal.
func sendmmsg(fd int, hdrs []mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))),
		uintptr(len(hdrs)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// setIovec points v at b.
func setIovec(v *unix.Iovec, b []byte) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
}
