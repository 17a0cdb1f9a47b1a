package esp

import (
	"encoding/binary"

	"stillwater/pmd/mbuf"
)

// Protocol numbers of the outer header, and ESP Next Header values.
const (
	protoESP = 50
	protoUDP = 17

	nextIPv4    = 4
	nextIPv6    = 41
	nextNone    = 59  // dummy packet (RFC 4303 2.6)
	nextAGGFRAG = 144 // RFC 9347 6.1
)

// family is the shape of an outer header.
type family uint8

const (
	family4 family = iota
	family4UDP
	family6
	family6UDP
)

// outerFlags say which per-packet work an outer header needs.
type outerFlags uint8

const (
	outerInherit  outerFlags = 1 << iota // TOS or DF come from the inner header
	outerCopyDF                          // DF does
	outerChecksum                        // the UDP checksum is computed
)

// dontFragment is the DF bit in the fragment word of an IPv4 header.
const dontFragment = 0x4000

// OuterHeader is the template of an SA's outer IP and UDP headers: all that is the same for every packet, and how to fill
// in the rest. 64 octets, no pointers, so that it travels by value. Immutable after NewOuterHeader.
type OuterHeader struct {
	template [ipv6Len + udpLen]byte // lengths, TOS, ID, fragment word and checksums are 0
	sum      uint32                 // IPv4: sum of the template's words
	idBase   uint16                 // IPv4: added to the sequence number for the ID
	frag     uint16                 // IPv4: fragment word, unless copied
	tos      uint8                  // DS/ECN octet, or its fixed bits
	tosMask  uint8                  // bits of it that come from the inner header
	family   family
	len      uint8 // octets of IP and UDP header
	flags    outerFlags
	_        [3]byte
}

// NewOuterHeader builds the outer header of p; a *ParamError names the field it cannot be built from. IPv4 IDs are 0
// where DF is set (RFC 6864 4.1) and else count with the sequence number, from a start that the SPI gives each SA.
func NewOuterHeader(p *Params) (OuterHeader, error) {
	if err := p.validateOuter(); err != nil {
		return OuterHeader{}, err
	}
	h := OuterHeader{idBase: uint16(p.SPI), len: uint8(p.overhead().Outer)}
	h.inheritance(p)
	ttl, proto := p.TTL, uint8(protoESP)
	if ttl == 0 {
		ttl = defaultTTL
	}
	if p.Encap == EncapUDP {
		proto = protoUDP
		h.family = family4UDP
	}
	if p.Src.Is4() {
		h.template4(p, ttl, proto)
	} else {
		h.family += family6
		h.template6(p, ttl, proto)
	}
	return h, nil
}

// inheritance sets what depends on the inner header.
func (h *OuterHeader) inheritance(p *Params) {
	if p.DF == DFSet {
		h.frag = dontFragment
	}
	if p.DF == DFCopy && p.Src.Is4() {
		h.flags |= outerCopyDF
	}
	if p.CopyECN {
		h.tosMask = ecnMask
	}
	if p.DSCP == DSCPCopy {
		h.tosMask |= ^uint8(ecnMask)
	} else {
		h.tos = uint8(p.DSCP) << 2
	}
	if h.tosMask != 0 || h.flags&outerCopyDF != 0 {
		h.flags |= outerInherit
	}
}

// template4 fills in an IPv4 header without options (RFC 791 3.1, RFC 4301 5.1.2.1).
func (h *OuterHeader) template4(p *Params, ttl, proto uint8) {
	t := h.template[:]
	t[0], t[8], t[9] = 0x45, ttl, proto
	src, dst := p.Src.As4(), p.Dst.As4()
	copy(t[12:], src[:])
	copy(t[16:], dst[:])
	h.sum = uint32(fold(sumOctets(t[:ipv4Len], 0)))
	h.ports(p, t[ipv4Len:])
}

// template6 fills in an IPv6 header without extension headers (RFC 8200 3, RFC 4301 5.1.2.2).
func (h *OuterHeader) template6(p *Params, ttl, proto uint8) {
	t := h.template[:]
	binary.BigEndian.PutUint32(t, 6<<28|p.FlowLabel)
	t[6], t[7] = proto, ttl
	src, dst := p.Src.As16(), p.Dst.As16()
	copy(t[8:], src[:])
	copy(t[24:], dst[:])
	h.ports(p, t[ipv6Len:])
	if p.Encap == EncapUDP && !p.UDPZeroChecksum6 {
		h.flags |= outerChecksum
	}
}

// ports fills in the ports of the UDP header, where there is one. Over IPv4 its checksum stays 0 (RFC 3948 2.1).
func (h *OuterHeader) ports(p *Params, t []byte) {
	if p.Encap == EncapUDP {
		binary.BigEndian.PutUint16(t, p.SrcPort)
		binary.BigEndian.PutUint16(t[2:], p.DstPort)
	}
}

// inherit returns the DS/ECN octet and the fragment word of the outer header for payload m. Bits that would come from an
// inner header are 0 where the payload has none, as dummy packets do. Malformed where it is too short for the header
// that Next Header names.
func (h *OuterHeader) inherit(m *mbuf.Mbuf) (tos uint8, frag uint16, v mbuf.Verdict) {
	inner := m.Data()
	var innerTOS uint8
	innerDF := uint16(dontFragment)
	switch {
	case m.NextHeader == nextIPv4 && len(inner) >= ipv4Len:
		w := binary.BigEndian.Uint64(inner) // version to fragment word, in one load
		innerTOS, innerDF = uint8(w>>48), uint16(w)&dontFragment
	case m.NextHeader == nextIPv6 && len(inner) >= ipv6Len:
		innerTOS = tos6(inner)
	case m.NextHeader == nextIPv4 || m.NextHeader == nextIPv6:
		return 0, 0, mbuf.Malformed
	}
	frag = h.frag
	if h.flags&outerCopyDF != 0 {
		frag = innerDF
	}
	return h.tos | innerTOS&h.tosMask, frag, mbuf.Pass
}

// write puts the outer header at the start of b, which is the headers of a packet of total octets.
func (h *OuterHeader) write(b []byte, total uint32, seq uint64, tos uint8, frag uint16) {
	switch h.family {
	case family4:
		h.write4(b, total, seq, tos, frag)
	case family4UDP:
		h.write4(b, total, seq, tos, frag)
		writeUDP(b[ipv4Len:], h.template[ipv4Len:], total-ipv4Len)
	case family6:
		h.write6(b, total, tos)
	case family6UDP:
		h.write6(b, total, tos)
		writeUDP(b[ipv6Len:], h.template[ipv6Len:], total-ipv6Len)
	}
}

// write4 builds the header in registers and stores it in three pieces: fewer stores than patching a copy of the template.
func (h *OuterHeader) write4(b []byte, total uint32, seq uint64, tos uint8, frag uint16) {
	var id uint16
	if frag == 0 {
		id = h.idBase + uint16(seq)
	}
	sum := h.sum + total + uint32(tos) + uint32(id) + uint32(frag)
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	t := (*[ipv4Len]byte)(h.template[:])
	p := (*[ipv4Len]byte)(b)
	binary.BigEndian.PutUint64(p[:], 0x45<<56|uint64(tos)<<48|uint64(total&0xffff)<<32|uint64(id)<<16|uint64(frag))
	binary.BigEndian.PutUint32(p[8:], uint32(t[8])<<24|uint32(t[9])<<16|^sum&0xffff)
	*(*[8]byte)(p[12:]) = *(*[8]byte)(t[12:])
}

func (h *OuterHeader) write6(b []byte, total uint32, tos uint8) {
	*(*[ipv6Len]byte)(b) = *(*[ipv6Len]byte)(h.template[:])
	b[0] |= tos >> 4
	b[1] |= tos << 4
	binary.BigEndian.PutUint16(b[4:], uint16(total-ipv6Len))
}

func writeUDP(b, template []byte, length uint32) {
	*(*[udpLen]byte)(b) = *(*[udpLen]byte)(template)
	binary.BigEndian.PutUint16(b[4:], uint16(length))
}
