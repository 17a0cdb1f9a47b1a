package hoststack

// NATPort is where IKE and ESP share a UDP port once a NAT was found (RFC 3948 2, RFC 7296 2.23).
const NATPort = 4500

// keepalive is the only octet of a NAT keepalive (RFC 3948 2.3).
const keepalive = 0xff

// marker is the Non-ESP Marker in front of IKE on port 4500, where ESP has its SPI, which is never 0 (RFC 3948 2.2).
var marker [4]byte

// ikeHeaderLen is the shortest IKE message (RFC 7296 3.1).
const ikeHeaderLen = 28

// unmark sorts what came to port 4500 and returns the IKE message; everything else is counted and not delivered.
func (s *Stack) unmark(data []byte) (ike []byte, ok bool) {
	switch {
	case len(data) == 1 && data[0] == keepalive:
		s.count.keepalives.Add(1)
	case len(data) < len(marker):
		s.count.badMarker.Add(1)
	case [len(marker)]byte(data) != marker:
		s.count.strayESP.Add(1)
	case len(data) < len(marker)+ikeHeaderLen:
		s.count.badMarker.Add(1)
	default:
		return data[len(marker):], true
	}
	return nil, false
}
