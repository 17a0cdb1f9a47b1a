package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"stillwater/pmd/mbuf"
)

// auxdata is what we use of struct tpacket_auxdata, which the kernel sends beside each packet.
type auxdata struct {
	status    uint32
	tci, tpid uint16
}

const (
	headLen    = unix.SizeofCmsghdr
	auxLen     = 20 // struct tpacket_auxdata
	controlLen = headLen + (auxLen+7)&^7

	tpidCustomer = 0x8100 // IEEE 802.1Q
)

// parseControl reads the one control message of a packet; without it, or with another, there is nothing to restore. The
// kernel writes in the machine's own order of octets.
func parseControl(b []byte) (a auxdata) {
	if len(b) < headLen+auxLen {
		return a
	}
	level, kind := binary.NativeEndian.Uint32(b[headLen-8:]), binary.NativeEndian.Uint32(b[headLen-4:])
	if level != unix.SOL_PACKET || kind != unix.PACKET_AUXDATA {
		return a
	}
	b = b[headLen:]
	a.status = binary.NativeEndian.Uint32(b)
	if a.status&unix.TP_STATUS_VLAN_VALID == 0 {
		return a
	}
	a.tci, a.tpid = binary.NativeEndian.Uint16(b[16:]), tpidCustomer
	if a.status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		a.tpid = binary.NativeEndian.Uint16(b[18:])
	}
	return a
}

// restoreTag gives a packet back the tag the kernel took out. An 802.1Q tag becomes metadata; one of another kind, such
// as the outer tag of 802.1ad, goes back into the frame, for Mbuf.VLAN cannot say which kind it was.
func (a auxdata) restoreTag(m *mbuf.Mbuf) {
	switch a.tpid {
	case 0:
	case tpidCustomer:
		m.VLAN, m.Flags = a.tci, m.Flags|mbuf.FlagVLAN
	default:
		m.Prepend(tagLen) // a fresh mbuf has the headroom
		f := m.Data()
		copy(f[:macsLen], f[tagLen:])
		binary.BigEndian.PutUint16(f[macsLen:], a.tpid)
		binary.BigEndian.PutUint16(f[macsLen+2:], a.tci)
	}
}
