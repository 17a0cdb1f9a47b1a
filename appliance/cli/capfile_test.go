package cli

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
)

// record is one packet of a capture and its time, ns since 1970.
type record struct {
	at   int64
	data []byte
}

// recordsOf stamps packets a millisecond apart.
func recordsOf(packets [][]byte) []record {
	out := make([]record, len(packets))
	for i, p := range packets {
		out[i] = record{1_700_000_000_000_000_000 + int64(i)*1_000_000, p}
	}
	return out
}

// format is one way to write a capture of IP packets.
type format struct {
	name   string
	encode func([]record) []byte
}

// The link types of tcpdump.org's registry.
const (
	etherLink = 1
	rawLink   = 101
)

// formats are the ways a capture of IP packets reaches us.
var formats = []format{
	{"pcap micro little raw", func(rs []record) []byte { return classic(binary.LittleEndian, 0xa1b2c3d4, rawLink, rs, bare) }},
	{"pcap nano big raw", func(rs []record) []byte { return classic(binary.BigEndian, 0xa1b23c4d, rawLink, rs, bare) }},
	{"pcap micro big ethernet", func(rs []record) []byte { return classic(binary.BigEndian, 0xa1b2c3d4, etherLink, rs, ethernet) }},
	{"pcap nano little ethernet with padding", func(rs []record) []byte {
		return classic(binary.LittleEndian, 0xa1b23c4d, etherLink, rs, paddedEthernet)
	}},
	{"pcap ethernet with a VLAN tag", func(rs []record) []byte { return classic(binary.LittleEndian, 0xa1b2c3d4, etherLink, rs, tagged) }},
	{"pcap ethernet with two VLAN tags", func(rs []record) []byte {
		return classic(binary.LittleEndian, 0xa1b2c3d4, etherLink, rs, doubleTagged)
	}},
	{"pcapng little raw", func(rs []record) []byte { return nextGeneration(binary.LittleEndian, rawLink, rs, bare) }},
	{"pcapng big ethernet", func(rs []record) []byte { return nextGeneration(binary.BigEndian, etherLink, rs, ethernet) }},
}

var rawFormat, etherFormat = formats[0], formats[2]

func bare(ip []byte) []byte { return ip }

var macs = []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}

// etherType is that of an IP packet.
func etherType(ip []byte) []byte {
	if len(ip) > 0 && ip[0]>>4 == 6 {
		return []byte{0x86, 0xdd}
	}
	return []byte{0x08, 0x00}
}

func ethernet(ip []byte) []byte { return slices.Concat(macs, etherType(ip), ip) }

// paddedEthernet is a frame of at least 60 octets, as a NIC sends it.
func paddedEthernet(ip []byte) []byte {
	f := ethernet(ip)
	for len(f) < 60 {
		f = append(f, 0xa5)
	}
	return f
}

func tagged(ip []byte) []byte {
	return slices.Concat(macs, []byte{0x81, 0x00, 0, 7}, etherType(ip), ip)
}

func doubleTagged(ip []byte) []byte {
	return slices.Concat(macs, []byte{0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 7}, etherType(ip), ip)
}

// classic writes a pcap file.
func classic(order binary.AppendByteOrder, magic, link uint32, rs []record, wrap func([]byte) []byte) []byte {
	unit := int64(1000)
	if magic == 0xa1b23c4d {
		unit = 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 262144)
	b = order.AppendUint32(b, link)
	for _, r := range rs {
		d := wrap(r.data)
		b = order.AppendUint32(b, uint32(r.at/1e9))
		b = order.AppendUint32(b, uint32(r.at%1e9/unit))
		b = order.AppendUint32(b, uint32(len(d)))
		b = order.AppendUint32(b, uint32(len(d)))
		b = append(b, d...)
	}
	return b
}

// nextGeneration writes a pcapng file: section header, one interface with microseconds, enhanced packet blocks.
func nextGeneration(order binary.AppendByteOrder, link uint16, rs []record, wrap func([]byte) []byte) []byte {
	section := order.AppendUint32(nil, 0x1a2b3c4d)
	section = order.AppendUint16(section, 1)
	section = order.AppendUint16(section, 0)
	section = append(section, 255, 255, 255, 255, 255, 255, 255, 255)
	iface := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, link), 0), 0)
	b := append(ngBlock(order, 0x0a0d0d0a, section), ngBlock(order, 1, iface)...)
	for _, r := range rs {
		d, us := wrap(r.data), uint64(r.at/1000)
		p := order.AppendUint32(nil, 0)
		p = order.AppendUint32(p, uint32(us>>32))
		p = order.AppendUint32(p, uint32(us))
		p = order.AppendUint32(p, uint32(len(d)))
		p = order.AppendUint32(p, uint32(len(d)))
		b = append(b, ngBlock(order, 6, append(p, d...))...)
	}
	return b
}

func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + 12)
	b := order.AppendUint32(order.AppendUint32(nil, kind), n)
	return order.AppendUint32(append(b, body...), n)
}

// readRaw reads a classic capture of link type RAW, as a program that knows nothing of ours would.
func readRaw(t testing.TB, path string) [][]byte {
	t.Helper()
	packets, link := readCapture(t, path)
	if link != rawLink {
		t.Fatalf("%s: link type %d, expected RAW (101)", path, link)
	}
	return packets
}

// readCapture reads a classic capture, either byte order and either resolution.
func readCapture(t testing.TB, path string) (packets [][]byte, link uint32) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var order binary.ByteOrder
	for _, o := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		if len(b) >= 24 && (o.Uint32(b) == 0xa1b2c3d4 || o.Uint32(b) == 0xa1b23c4d) {
			order = o
		}
	}
	if order == nil {
		t.Fatalf("%s: not a pcap file", path)
	}
	link = order.Uint32(b[20:])
	for rest := b[24:]; len(rest) > 0; {
		if len(rest) < 16 || uint32(len(rest)-16) < order.Uint32(rest[8:]) {
			t.Fatalf("%s: ends in a record", path)
		}
		n := order.Uint32(rest[8:])
		if n != order.Uint32(rest[12:]) {
			t.Fatalf("%s: record of %d octets is cut", path, n)
		}
		packets = append(packets, rest[16:16+n])
		rest = rest[16+n:]
	}
	return packets, link
}

// readIP reads a capture and takes Ethernet headers off; frames without IP are left out.
func readIP(t testing.TB, path string) [][]byte {
	t.Helper()
	packets, link := readCapture(t, path)
	if link == rawLink {
		return packets
	}
	var out [][]byte
	for _, p := range packets {
		if kind := binary.BigEndian.Uint16(p[12:]); kind == 0x0800 || kind == 0x86dd {
			out = append(out, cutPadding(p[14:]))
		}
	}
	return out
}

// cutPadding takes off what Ethernet added behind an IP packet.
func cutPadding(ip []byte) []byte {
	if ip[0]>>4 == 4 {
		return ip[:binary.BigEndian.Uint16(ip[2:])]
	}
	return ip[:40+int(binary.BigEndian.Uint16(ip[4:]))]
}
