package softpmd

import (
	"encoding/binary"

	"stillwater/pmd"
)

// HashFunc spreads packets over receive queues: queue = hash mod queues. It sees the frame without 802.1Q tags and must
// give all packets of a flow one value. It must not allocate, nor panic on any octets.
type HashFunc func(frame []byte, link pmd.Link) uint32

const (
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44
	protoESP      = 50
	protoSCTP     = 132

	portESPinUDP = 4500 // RFC 3948 2.1
)

// tuple is where the fields a port hashes stand in a frame.
type tuple struct {
	addrs    []byte // source and destination address, nil for what is not IP
	payload  []byte // behind the IP header, nil for fragments
	protocol byte
}

// parse finds the fields. IPv6 extension headers are not skipped, like most ports do it: all packets of a flow have them.
func parse(frame []byte, link pmd.Link) (t tuple) {
	ip := frame
	if link == pmd.Ethernet {
		if len(frame) < ethernetLen {
			return t
		}
		ip = frame[ethernetLen:]
		if et := binary.BigEndian.Uint16(frame[12:]); et != 0x0800 && et != 0x86dd {
			return t
		}
	}
	switch {
	case len(ip) >= 20 && ip[0]>>4 == 4:
		t.addrs, t.protocol = ip[12:20], ip[9]
		header := int(ip[0]&15) * 4
		fragment := binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 // more fragments, or an offset
		if !fragment && header >= 20 && header <= len(ip) {
			t.payload = ip[header:]
		}
	case len(ip) >= 40 && ip[0]>>4 == 6:
		t.addrs, t.protocol = ip[8:40], ip[6]
		if t.protocol != protoFragment {
			t.payload = ip[40:]
		}
	}
	return t
}

// Toeplitz is what a NIC does with receive-side scaling on addresses and ports, with Microsoft's default key: source and
// destination address, and the two ports of TCP, UDP and SCTP. Fragments and other protocols go by addresses, the rest
// hashes to 0.
func Toeplitz(frame []byte, link pmd.Link) uint32 {
	return parse(frame, link).hash()
}

func (t tuple) hash() uint32 {
	h := toeplitz(t.addrs, 0)
	switch t.protocol {
	case protoTCP, protoUDP, protoSCTP:
		if len(t.payload) >= 4 {
			h ^= toeplitz(t.payload[:4], len(t.addrs))
		}
	}
	return h
}

// SPI is what a NIC that knows ESP does: the SPI of ESP, in UDP port 4500 or not, is hashed, so that Child SAs between
// the same two addresses spread. IKE in UDP 4500 has four octets of zero in the SPI's place (RFC 3948 2.2); it and
// everything else goes by Toeplitz.
func SPI(frame []byte, link pmd.Link) uint32 {
	t := parse(frame, link)
	esp := t.payload
	if t.protocol == protoUDP && len(esp) >= 8 &&
		(binary.BigEndian.Uint16(esp) == portESPinUDP || binary.BigEndian.Uint16(esp[2:]) == portESPinUDP) {
		esp = esp[8:]
	} else if t.protocol != protoESP {
		return t.hash()
	}
	if len(esp) < 8 || binary.BigEndian.Uint32(esp) == 0 {
		return t.hash()
	}
	return toeplitz(esp[:4], 0)
}

// rssKey is the 40-octet key of Microsoft's "Verifying the RSS Hash Calculation", the default of most drivers. A known key
// is right for a test wire; where steering must not be predictable, the appliance hashes with a key of its own.
var rssKey = [40]byte{
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
}

// nibbles[i][v] is what the value v of input nibble i adds to a hash: 72 rows fit the first-level cache, rows by octet
// would not. 36 octets are two IPv6 addresses and two ports.
var nibbles = func() (t [72][16]uint32) {
	for i := range t {
		for v := range t[i] {
			for bit := range 4 {
				if v&(8>>bit) != 0 {
					t[i][v] ^= keyWindow(4*i + bit)
				}
			}
		}
	}
	return t
}()

// keyWindow returns the 32 bits of the key from bit n on.
func keyWindow(n int) uint32 {
	var w uint64
	for i := range 5 {
		if at := n/8 + i; at < len(rssKey) {
			w |= uint64(rssKey[at]) << (32 - 8*i)
		}
	}
	return uint32(w >> (8 - n%8))
}

// toeplitz hashes b as the part of the input that starts at octet at; parts are joined by exclusive or.
func toeplitz(b []byte, at int) (h uint32) {
	rows := nibbles[2*at:]
	for i, c := range b {
		h ^= rows[2*i][c>>4] ^ rows[2*i+1][c&15]
	}
	return h
}
