package ike

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"

	"stillwater/pmd/pcappmd"
)

// replay gives every IKE message of a capture to message.
func (s *session) replay(path string) {
	in, err := pcappmd.OpenReader(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer in.Close()
	for {
		p, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if d, ok := ikeDatagram(p.Data); ok {
			s.message(d)
		}
	}
}

// ikeDatagram takes the IKE message out of an Ethernet frame, without the marker of port 4500.
func ikeDatagram(frame []byte) (d Datagram, ok bool) {
	const ethernet, ipv6 = 14, 40
	udp := ethernet + ipv6
	src, dst := 22, 38
	size := 16
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		if frame[23] != 17 || binary.BigEndian.Uint16(frame[20:])&0x1FFF != 0 {
			return d, false
		}
		udp, src, dst, size = ethernet+4*int(frame[14]&15), 26, 30, 4
	case 0x86DD:
		if frame[20] != 17 {
			return d, false
		}
	default:
		return d, false
	}
	from, _ := netip.AddrFromSlice(frame[src : src+size])
	to, _ := netip.AddrFromSlice(frame[dst : dst+size])
	d.Remote = netip.AddrPortFrom(from, binary.BigEndian.Uint16(frame[udp:]))
	d.Local = netip.AddrPortFrom(to, binary.BigEndian.Uint16(frame[udp+2:]))
	d.Data = bytes.Clone(frame[udp+8 : udp+int(binary.BigEndian.Uint16(frame[udp+4:]))])
	switch {
	case d.Local.Port() == portNATT || d.Remote.Port() == portNATT:
		if len(d.Data) < 4 || !bytes.Equal(d.Data[:4], make([]byte, 4)) {
			return d, false
		}
		d.Data = d.Data[4:]
	case d.Local.Port() != portIKE && d.Remote.Port() != portIKE:
		return d, false
	}
	return d, true
}
