package pcappmd

import "encoding/binary"

// NetworkLayer returns the IP packet of a captured frame, link padding included: what is behind the Ethernet header and its
// 802.1Q and 802.1ad tags, or all of a RAW record. nil where the frame carries something else.
func NetworkLayer(frame []byte, link LinkType) []byte {
	if link == LinkRaw {
		return frame
	}
	const addresses, tag = 12, 4
	for at := addresses; len(frame) >= at+2; at += tag {
		switch binary.BigEndian.Uint16(frame[at:]) {
		case 0x0800, 0x86dd:
			return frame[at+2:]
		case 0x8100, 0x88a8:
		default:
			return nil
		}
	}
	return nil
}
