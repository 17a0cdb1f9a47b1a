package ike

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"

	"stillwater/ike/wire"
)

// The ports of IKE (RFC 7296 2): 4500 is where messages have the non-ESP marker and ESP in UDP travels too.
const (
	portIKE  = 500
	portNATT = 4500
)

// keepaliveTime is how often a keepalive leaves when nothing else does (RFC 3948 4).
const keepaliveTime = 20 * time.Second

// natHash is the data of NAT_DETECTION_*_IP (RFC 7296 2.23): SHA-1 is what the protocol says and hides nothing here.
func natHash(spiI, spiR uint64, a netip.AddrPort) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 34), spiI)
	b = binary.BigEndian.AppendUint64(b, spiR)
	b = append(b, a.Addr().Unmap().AsSlice()...)
	sum := sha1.Sum(binary.BigEndian.AppendUint16(b, a.Port()))
	return sum[:]
}

// natNotifies are the two that stand in both IKE_SA_INIT messages. forced makes the source match no address, so that both
// ends encapsulate although there is no NAT (IKE-167).
func (e *Engine) natNotifies(h wire.Header, local, remote netip.AddrPort, forced bool) []wire.Payload {
	source := natHash(h.SPIi, h.SPIr, local)
	if forced {
		e.random(source)
	}
	return []wire.Payload{
		notify(wire.NATDetectionSourceIP, source),
		notify(wire.NATDetectionDestinationIP, natHash(h.SPIi, h.SPIr, remote)),
	}
}

// natFound compares the peer's hashes with what its message really came from and arrived at. A peer that sends none does
// no NAT traversal, and none is found.
func natFound(m *message) (peerBehind, selfBehind bool) {
	peerBehind = mismatch(m, wire.NATDetectionSourceIP, m.from())
	selfBehind = mismatch(m, wire.NATDetectionDestinationIP, m.to())
	return peerBehind, selfBehind
}

// mismatch reports whether there are hashes of the type and none is that of the address. A peer that does not know which of
// its addresses it uses sends several.
func mismatch(m *message, t wire.NotifyType, a netip.AddrPort) bool {
	want := natHash(m.header.SPIi, m.header.SPIr, a)
	sent := false
	for _, n := range m.notifies() {
		if n.Notify != t {
			continue
		}
		if subtle.ConstantTimeCompare(n.Data, want) == 1 {
			return false
		}
		sent = true
	}
	return sent
}

// float moves to port 4500, where everything after IKE_SA_INIT goes once a NAT is found (RFC 7296 2.23, IKE-161). Only the
// initiator does; the responder answers where it was asked.
func (s *ikeSA) float() {
	if s.outer.UDP {
		s.outer.Local = netip.AddrPortFrom(s.outer.Local.Addr(), portNATT)
		s.outer.Remote = netip.AddrPortFrom(s.outer.Remote.Addr(), portNATT)
	}
}

// setNAT notes what detection found: with a NAT anywhere, both ends send ESP in UDP (IKE-166).
func (s *ikeSA) setNAT(m *message) {
	s.outer.PeerBehindNAT, s.outer.BehindNAT = natFound(m)
	forced := s.conn.ForceEncap && m.notify(wire.NATDetectionSourceIP) != nil // without, the peer knows no encapsulation
	s.outer.UDP = s.outer.PeerBehindNAT || s.outer.BehindNAT || forced
}

// keepalive keeps the NAT's mapping alive while this end is behind it and has nothing to say (RFC 3948 4, IKE-163).
func (s *ikeSA) keepalive(now int64) {
	if !s.outer.BehindNAT || s.state >= stateReplaced {
		return
	}
	if now >= s.lastSent+int64(keepaliveTime) {
		s.e.send(Datagram{Local: s.outer.Local, Remote: s.outer.Remote, Keepalive: true})
		s.lastSent = now
	}
	s.at(s.lastSent+int64(keepaliveTime), s.keepalive)
}
