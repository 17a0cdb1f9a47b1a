package wire

import "encoding/binary"

// HeaderLen is the length of the IKE header in octets (RFC 7296 3.1).
const HeaderLen = 28

// Version is the version octet of every message sent: major 2, minor 0.
const Version uint8 = 0x20

// Flags are the bits of the header's flags octet (RFC 7296 3.1). All others are cleared on sending and ignored on receipt.
type Flags uint8

// The flags. FlagVersion is never sent and means nothing on receipt.
const (
	FlagInitiator Flags = 0x08 // the sender is the original initiator of the IKE SA
	FlagVersion   Flags = 0x10 // the sender knows a higher major version
	FlagResponse  Flags = 0x20
)

// Header is the IKE header (RFC 7296 3.1), 28 octets. A value.
type Header struct {
	SPIi, SPIr uint64
	Next       PayloadType
	Version    uint8
	Exchange   ExchangeType
	Flags      Flags
	MessageID  uint32
	Length     uint32 // octets of the whole message; the marker of UDP port 4500 and of TCP is not part of it
}

// ParseHeader reads the header of a datagram, without the non-ESP marker. It refuses a Length that is not the datagram's
// and an initiator's SPI of zero; both are dropped without an answer. The version is the caller's to judge (Major): the
// layout up to Length is the same in every version, and a higher one is answered.
func ParseHeader(datagram []byte) (Header, error) {
	if len(datagram) < HeaderLen {
		return Header{}, dropped(0, "expected 28 octets of header", len(datagram))
	}
	h := Header{
		SPIi:      binary.BigEndian.Uint64(datagram),
		SPIr:      binary.BigEndian.Uint64(datagram[8:]),
		Next:      PayloadType(datagram[16]),
		Version:   datagram[17],
		Exchange:  ExchangeType(datagram[18]),
		Flags:     Flags(datagram[19]),
		MessageID: binary.BigEndian.Uint32(datagram[20:]),
		Length:    binary.BigEndian.Uint32(datagram[24:]),
	}
	if uint64(h.Length) != uint64(len(datagram)) {
		return Header{}, dropped(24, "expected the length of the datagram", int(h.Length))
	}
	if h.SPIi == 0 {
		return Header{}, dropped(0, "expected an initiator's SPI other than zero", 0)
	}
	return h, nil
}

// Append appends the header's 28 octets to b, every field as it stands.
func (h Header) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, h.SPIi)
	b = binary.BigEndian.AppendUint64(b, h.SPIr)
	b = append(b, byte(h.Next), h.Version, byte(h.Exchange), byte(h.Flags))
	b = binary.BigEndian.AppendUint32(b, h.MessageID)
	return binary.BigEndian.AppendUint32(b, h.Length)
}

// Response reports whether the message answers a request. A response is never answered (RFC 7296 2.21).
func (h Header) Response() bool { return h.Flags&FlagResponse != 0 }

// FromInitiator reports whether the sender is the original initiator of the IKE SA, whoever began this exchange.
func (h Header) FromInitiator() bool { return h.Flags&FlagInitiator != 0 }

// Major returns the major version; the minor one means nothing on receipt.
func (h Header) Major() uint8 { return h.Version >> 4 }

// PatchLength sets the Length of a message to len(msg), which must be HeaderLen or more: whoever seals a message knows its
// length last.
func PatchLength(msg []byte) { binary.BigEndian.PutUint32(msg[24:HeaderLen], uint32(len(msg))) }
