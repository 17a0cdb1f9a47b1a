package hoststack

import (
	"encoding/binary"
	"net/netip"
)

// ICMPMessage is an ICMP message for one of the appliance's addresses, its checksum right. Errors quote the packet that
// caused them: what Original holds is as unauthenticated as the rest (RFC 4301 6.1.1).
type ICMPMessage struct {
	Port       int // where it came in
	From, To   netip.Addr
	Type, Code uint8
	MTU        uint32 // of the next hop, in errors that tell it (RFC 1191 4, RFC 4443 3.2); else 0
	Original   []byte // of an error: as much of the packet it is about as it quotes; else nil
}

// IsError reports whether the message is an error or a redirect, and so not a query.
func (m *ICMPMessage) IsError() bool { return isError(m.To.Is4(), m.Type) }

// Limits of echo requests that are answered: enough for monitoring by many, and little work for the control core. ICMP
// errors of the stack have a limiter of netstack's (1000 in a second, 50 at once).
const (
	echoRate  = 1000
	echoBurst = 100
)

// The echo requests.
const (
	echo4 = 8
	echo6 = 128
)

// admitICMP reports whether the stack takes p, the packet in b that came in at port: whatever is no ICMP, and what limiter
// and configuration let past.
func (s *Stack) admitICMP(port int, p *ipPacket, b []byte) bool {
	is4 := p.src.Is4()
	if p.protocol != protoICMP && is4 || p.protocol != protoICMPv6 && !is4 || p.offset != 0 {
		return true // later fragments are nothing without the first
	}
	data := b[p.payload:p.end]
	if len(data) < icmpLen || !p.more && !goodICMP(p, data) {
		s.count.malformed.Add(1)
		return false
	}
	switch kind := data[0]; {
	case isResolution(p, b):
		return true
	case (is4 && kind == echo4 || !is4 && kind == echo6) && !s.allowEcho():
		s.count.icmpLimited.Add(1)
		return false
	case s.cfg.ICMP == nil:
		return true
	}
	m := newICMPMessage(port, p, data)
	if p.more && m.IsError() || !s.cfg.ICMP(m) { // no error is long enough for fragments
		s.count.icmpRefused.Add(1)
		return false
	}
	return true
}

// newICMPMessage reads the message in data, which is icmpLen octets at least.
func newICMPMessage(port int, p *ipPacket, data []byte) ICMPMessage {
	m := ICMPMessage{Port: port, From: p.src, To: p.dst, Type: data[0], Code: data[1]}
	switch is4 := p.src.Is4(); {
	case is4 && m.Type == tooBig.type4 && m.Code == tooBig.code4:
		m.MTU = uint32(binary.BigEndian.Uint16(data[6:]))
	case !is4 && m.Type == tooBig.type6:
		m.MTU = binary.BigEndian.Uint32(data[4:])
	}
	if m.IsError() {
		m.Original = data[icmpLen:]
	}
	return m
}

// isResolution reports whether p, the packet in b, is a message of Multicast Listener Discovery (RFC 2710, 3810) or Neighbour
// Discovery (RFC 4861), without which there is no IPv6 link.
func isResolution(p *ipPacket, b []byte) bool {
	if p.protocol != protoICMPv6 || p.src.Is4() || p.offset != 0 || p.payload == p.end {
		return false
	}
	kind := b[p.payload]
	return kind >= 130 && kind <= redirect6 || kind == 143
}

// goodICMP reports whether the checksum of a message is right.
func goodICMP(p *ipPacket, data []byte) bool {
	if p.src.Is4() {
		return checksum(onesSum(0, data)) == 0
	}
	return checksum(onesSum(pseudoSum(p.src, p.dst, protoICMPv6, len(data)), data)) == 0
}

// allowEcho takes a token for the answer to an echo request.
func (s *Stack) allowEcho() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.echoes.Allow(s.now())
}
