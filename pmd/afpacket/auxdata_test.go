package afpacket

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd/mbuf"
)

// control builds the control message the kernel sends: struct cmsghdr and struct tpacket_auxdata of packet(7).
func control(level, kind uint32, status uint32, tci, tpid uint16) []byte {
	b := binary.NativeEndian.AppendUint64(nil, headLen+auxLen)
	b = binary.NativeEndian.AppendUint32(b, level)
	b = binary.NativeEndian.AppendUint32(b, kind)
	b = binary.NativeEndian.AppendUint32(b, status)
	b = append(b, make([]byte, 12)...) // length, snapshot length, offsets of the headers
	b = binary.NativeEndian.AppendUint16(b, tci)
	return binary.NativeEndian.AppendUint16(b, tpid)
}

func TestParseControl(t *testing.T) {
	const valid, kind = unix.TP_STATUS_VLAN_VALID, unix.TP_STATUS_VLAN_TPID_VALID
	for name, c := range map[string]struct {
		in   []byte
		want auxdata
	}{
		"no tag":             {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, unix.TP_STATUS_USER, 7, 7), auxdata{status: 1}},
		"tag":                {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, valid|kind, 0xe064, 0x8100), auxdata{valid | kind, 0xe064, 0x8100}},
		"priority tag":       {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, valid|kind, 0, 0x8100), auxdata{valid | kind, 0, 0x8100}},
		"tag of old kernels": {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, valid, 5, 0), auxdata{valid, 5, 0x8100}},
		"802.1ad":            {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, valid|kind, 5, 0x88a8), auxdata{valid | kind, 5, 0x88a8}},
		"open checksum":      {control(unix.SOL_PACKET, unix.PACKET_AUXDATA, unix.TP_STATUS_CSUMNOTREADY, 0, 0), auxdata{status: 8}},
		"other level":        {control(unix.SOL_SOCKET, unix.PACKET_AUXDATA, valid, 5, 0), auxdata{}},
		"other kind":         {control(unix.SOL_PACKET, unix.PACKET_STATISTICS, valid, 5, 0), auxdata{}},
	} {
		if got := parseControl(c.in); got != c.want {
			t.Errorf("%s: %+v, expected %+v", name, got, c.want)
		}
	}
}

func TestParseControlEveryPrefix(t *testing.T) {
	whole := control(unix.SOL_PACKET, unix.PACKET_AUXDATA, unix.TP_STATUS_VLAN_VALID, 5, 0)
	for n := range len(whole) {
		if got := parseControl(whole[:n]); got != (auxdata{}) {
			t.Errorf("%d octets of %d: %+v, expected nothing", n, len(whole), got)
		}
	}
}

// FuzzParseControl: no octets make it panic or invent a tag the kernel did not declare.
func FuzzParseControl(f *testing.F) {
	f.Add(control(unix.SOL_PACKET, unix.PACKET_AUXDATA, unix.TP_STATUS_VLAN_VALID, 5, 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := parseControl(b); a.status&unix.TP_STATUS_VLAN_VALID == 0 && (a.tci != 0 || a.tpid != 0) {
			t.Fatalf("%x: %+v without a valid tag", b, a)
		}
	})
}

func TestRestoreTag(t *testing.T) {
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "test", N2K: 1})
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte("\x08\x00payload")
	for name, c := range map[string]struct {
		aux   auxdata
		want  []byte
		flags mbuf.Flags
	}{
		"untagged": {auxdata{}, cat(macs, payload), 0},
		"802.1Q":   {auxdata{tci: 0xe064, tpid: 0x8100}, cat(macs, payload), mbuf.FlagVLAN},
		"802.1ad":  {auxdata{tci: 0xe064, tpid: 0x88a8}, cat(macs, word(0x88a8), word(0xe064), payload), 0},
	} {
		m := pool.Get(100)
		copy(m.Append(len(macs)+len(payload)), cat(macs, payload))
		c.aux.restoreTag(m)
		if !bytes.Equal(m.Data(), c.want) || m.Flags != c.flags {
			t.Errorf("%s: %x flags %#x, expected %x flags %#x", name, m.Data(), m.Flags, c.want, c.flags)
		}
		if c.flags != 0 && m.VLAN != 0xe064 {
			t.Errorf("%s: VLAN is %#x", name, m.VLAN)
		}
		pool.Put(m)
	}
}
