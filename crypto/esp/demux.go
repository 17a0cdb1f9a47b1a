package esp

import "encoding/binary"

// Sizes of the ESP header (RFC 4303 2: SPI and sequence number) and of the trailer without padding (Pad Length and Next
// Header), in octets.
const (
	headerLen  = 8
	trailerLen = 2
)

// Kind is what a UDP datagram to or from port 4500 carries.
type Kind uint8

// The kinds.
const (
	KindDrop      Kind = iota // neither of the others: count and drop
	KindESP                   // an ESP packet
	KindIKE                   // an IKE message behind a Non-ESP Marker
	KindKeepalive             // a NAT keepalive
)

// markerLen is the Non-ESP Marker, minIKE an IKE header behind it: RFC 3948 2.2, RFC 7296 3.1.
const (
	markerLen = 4
	minIKE    = 28
)

// DemuxUDP tells what the payload of a UDP datagram on port 4500 is (RFC 3948 2). It takes any octets. A datagram that
// can be neither a keepalive, nor an IKE message with a whole header, nor ESP with an SPI is KindDrop.
func DemuxUDP(payload []byte) Kind {
	switch {
	case len(payload) == 1 && payload[0] == 0xff:
		return KindKeepalive
	case len(payload) < markerLen:
		return KindDrop
	case binary.BigEndian.Uint32(payload) != 0:
		return KindESP // RFC 3948 2.1: the SPI is never 0
	case len(payload) < markerLen+minIKE:
		return KindDrop
	default:
		return KindIKE
	}
}

// ParseSPI returns the SPI of an ESP packet; false where data is shorter than an ESP header (8 octets).
func ParseSPI(data []byte) (spi uint32, ok bool) {
	if len(data) < headerLen {
		return 0, false
	}
	return binary.BigEndian.Uint32(data), true
}
