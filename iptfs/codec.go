// Package iptfs is AGGFRAG and IP-TFS (RFC 9347) over mbufs: inner packets in, payloads out, and back. It holds the
// header and data block codec, the Framer that aggregates and fragments, the Pacer that counts constant-rate send
// slots, and the Reassembler that puts payloads in order and takes them apart.
//
// The package knows neither ESP nor sockets, and has no clock of its own: sequence numbers travel as mbuf metadata, and
// every call that depends on time is told the time.
package iptfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// NextHeader is the ESP Next Header value that marks an AGGFRAG payload (RFC 9347 6.1).
const NextHeader = 144

// The sub-types of an AGGFRAG payload and the octets of their headers (RFC 9347 6.1.1, 6.1.2).
const (
	SubTypeBasic   = 0
	SubTypeCC      = 1
	BasicHeaderLen = 4
	CCHeaderLen    = 24
)

// The largest values the congestion control fields can carry, in microseconds. What is larger is sent as these
// (RFC 9347 6.1.2), so a receiver takes them for "at least".
const (
	MaxRTT           = 1<<22 - 1
	MaxEchoDelay     = 1<<21 - 1
	MaxTransmitDelay = 1<<21 - 1
)

const (
	flagE = 0x01 // ECN counted in LossEventRate (RFC 9347 6.1.2)
	flagP = 0x02 // PLMTUD probing in progress
)

// Header is an AGGFRAG header, decoded. A sub-type 0 header uses SubType and BlockOffset only.
type Header struct {
	SubType       uint8
	P             bool   // path MTU probing goes on: missing packets are not loss events
	E             bool   // LossEventRate took CE marks into account
	BlockOffset   uint16 // octets of data blocks before the first new block
	LossEventRate uint32 // inverse of the loss event rate; 0 for no loss
	RTT           uint32 // microseconds, saturates at MaxRTT; 0 before there is an estimate
	EchoDelay     uint32 // microseconds TEcho was held, saturates at MaxEchoDelay
	TransmitDelay uint32 // microseconds between packets of this sender, saturates at MaxTransmitDelay
	TVal          uint32 // opaque to the receiver, which echoes it
	TEcho         uint32 // the latest TVal received; 0 before there was one
}

// ErrShort is wrapped by ParseHeader when the payload ends before its header does.
var ErrShort = errors.New("aggfrag payload shorter than its header")

// ErrSubType is the sub-type of a payload this package does not know; the format of what follows is unknown with it.
type ErrSubType uint8

// Error names the sub-type.
func (e ErrSubType) Error() string {
	return fmt.Sprintf("aggfrag sub-type %d, expected %d or %d", uint8(e), SubTypeBasic, SubTypeCC)
}

// ParseHeader decodes the header that starts b and returns how many octets it took; the data blocks follow. It fails
// with an error that wraps ErrShort, or with an ErrSubType. Reserved bits are ignored (RFC 9347 6.1.1, 6.1.2).
func ParseHeader(b []byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return h, 0, fmt.Errorf("%w: 0 octets, expected %d", ErrShort, BasicHeaderLen)
	}
	h.SubType = b[0]
	if h.SubType > SubTypeCC {
		return h, 0, ErrSubType(h.SubType)
	}
	n = h.Length()
	if len(b) < n {
		return h, 0, fmt.Errorf("%w: %d octets, expected %d", ErrShort, len(b), n)
	}
	h.BlockOffset = binary.BigEndian.Uint16(b[2:])
	if h.SubType == SubTypeCC {
		h.parseCC(b[:CCHeaderLen])
	}
	return h, n, nil
}

// parseCC reads the fields only sub-type 1 has. RTT, Echo Delay and Transmit Delay are 22, 21 and 21 bits side by side.
func (h *Header) parseCC(b []byte) {
	h.P, h.E = b[1]&flagP != 0, b[1]&flagE != 0
	h.LossEventRate = binary.BigEndian.Uint32(b[4:])
	delays := binary.BigEndian.Uint64(b[8:])
	h.RTT = uint32(delays >> 42)
	h.EchoDelay = uint32(delays >> 21 & MaxEchoDelay)
	h.TransmitDelay = uint32(delays & MaxTransmitDelay)
	h.TVal = binary.BigEndian.Uint32(b[16:])
	h.TEcho = binary.BigEndian.Uint32(b[20:])
}

// Length returns the octets the header takes: the one place a sub-type's size comes from.
func (h *Header) Length() int {
	if h.SubType == SubTypeCC {
		return CCHeaderLen
	}
	return BasicHeaderLen
}

// Put writes the header to the front of b, which has room for Length octets, and returns Length. Reserved bits are sent
// as zero, and so are the fields sub-type 0 does not have; delays too large for their field are clamped.
func (h *Header) Put(b []byte) int {
	if h.SubType != SubTypeCC {
		binary.BigEndian.PutUint32(b, uint32(h.BlockOffset))
		return BasicHeaderLen
	}
	b = b[:CCHeaderLen]
	b[0], b[1] = SubTypeCC, 0
	if h.P {
		b[1] |= flagP
	}
	if h.E {
		b[1] |= flagE
	}
	binary.BigEndian.PutUint16(b[2:], h.BlockOffset)
	binary.BigEndian.PutUint32(b[4:], h.LossEventRate)
	delays := uint64(min(h.RTT, MaxRTT))<<42 |
		uint64(min(h.EchoDelay, MaxEchoDelay))<<21 |
		uint64(min(h.TransmitDelay, MaxTransmitDelay))
	binary.BigEndian.PutUint64(b[8:], delays)
	binary.BigEndian.PutUint32(b[16:], h.TVal)
	binary.BigEndian.PutUint32(b[20:], h.TEcho)
	return CCHeaderLen
}

// Append adds the header to b as Put writes it.
func (h *Header) Append(b []byte) []byte {
	var room [CCHeaderLen]byte
	return append(b, room[:h.Put(room[:])]...)
}
