// Package pcappmd reads and writes capture files, and replays and records them as a port.
//
// The codec reads classic pcap (microseconds and nanoseconds, both byte orders) and pcapng, and writes classic pcap. It
// accepts the two link types the appliance can do something with, Ethernet and raw IP, and says so when a file has
// another one. The driver "pcap:" replays a file over a port's receive queues and records what is transmitted.
package pcappmd

import (
	"errors"
	"fmt"

	"stillwater/pmd"
)

// MaxPacket is the largest record read or written, in octets: the limit libpcap itself has.
const MaxPacket = 256 << 10

// LinkType is what records start with, by the numbers of the tcpdump.org registry.
type LinkType uint16

// The link types accepted.
const (
	LinkEthernet LinkType = 1
	LinkRaw      LinkType = 101
)

// linkNames are link types that users are likely to come with, for the error that refuses them.
var linkNames = map[LinkType]string{
	0: "NULL", LinkEthernet: "ETHERNET", LinkRaw: "RAW", 105: "IEEE802_11", 108: "LOOP", 113: "LINUX_SLL",
	127: "IEEE802_11_RADIOTAP", 228: "IPV4", 229: "IPV6", 276: "LINUX_SLL2",
}

// String returns the registry's name and number, such as "LINUX_SLL (113)".
func (l LinkType) String() string {
	if name := linkNames[l]; name != "" {
		return fmt.Sprintf("%s (%d)", name, uint16(l))
	}
	return fmt.Sprintf("%d", uint16(l))
}

// link returns the port link for l; ok is false for a link type that is not accepted.
func (l LinkType) link() (link pmd.Link, ok bool) {
	return map[LinkType]pmd.Link{LinkEthernet: pmd.Ethernet, LinkRaw: pmd.RawIP}[l], l == LinkEthernet || l == LinkRaw
}

// linkTypeOf is the reverse of link.
func linkTypeOf(l pmd.Link) LinkType {
	if l == pmd.RawIP {
		return LinkRaw
	}
	return LinkEthernet
}

// The kinds of FormatError, for errors.Is.
var (
	ErrMagic     = errors.New("not a capture file")
	ErrTruncated = errors.New("file ends early")
	ErrLinkType  = errors.New("link type not accepted")
	ErrLimit     = errors.New("length out of bounds")
	ErrDamaged   = errors.New("damaged file")
	ErrDirectory = errors.New("is a directory")
)

// FormatError says what is wrong with a capture file and where.
type FormatError struct {
	File   string
	Offset int64  // octets from the start of the file to the field in question
	Detail string // what was found and what was expected
	Kind   error  // one of the kinds above
}

// Error returns "FILE: offset N: kind: detail".
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: offset %d: %v: %s", e.File, e.Offset, e.Kind, e.Detail)
}

// Unwrap returns the kind.
func (e *FormatError) Unwrap() error { return e.Kind }

const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
	magicNG    = 0x0a0d0d0a // a section header block; the same in both byte orders

	fileHeaderLen   = 24
	recordHeaderLen = 16
)

// Packet is one record.
type Packet struct {
	Data      []byte // valid until the next call of Next
	Time      int64  // ns since 1970; 0 where the file has no time
	OrigLen   int    // octets on the wire
	Truncated bool   // the capture cut the packet: Data is shorter than OrigLen
}
