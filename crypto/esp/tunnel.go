package esp

import (
	"encoding/binary"

	"stillwater/pmd/mbuf"
)

// emptyCC is the length of an AGGFRAG payload that carries congestion control information and no data blocks, and
// subTypeCC its first octet: the only one a plain tunnel SA may carry (RFC 9347 6.1.2).
const (
	emptyCC   = 24
	subTypeCC = 1
)

// tunnelPayload judges the payload of a plain tunnel SA by its Next Header and makes m the inner packet.
func (sa *inSA) tunnelPayload(m *mbuf.Mbuf) mbuf.Verdict {
	switch m.NextHeader {
	case nextIPv4:
		return sa.inner4(m)
	case nextIPv6:
		return sa.inner6(m)
	case nextNone:
		return mbuf.Dummy
	case nextAGGFRAG:
		if p := m.Data(); len(p) == emptyCC && p[0] == subTypeCC {
			return mbuf.Dummy
		}
	}
	return mbuf.BadNextHeader
}

// inner4 cuts m at the inner packet's Total Length, which ends TFC padding (RFC 4303 3.4.4), and combines the ECN fields.
// The outer DS field is not copied (RFC 4301 5.1.2.1).
func (sa *inSA) inner4(m *mbuf.Mbuf) mbuf.Verdict {
	h := m.Data()
	if len(h) < ipv4Len {
		return mbuf.Malformed
	}
	if h[0]>>4 != 4 {
		return mbuf.BadVersion
	}
	header, total := int(h[0]&0x0f)*4, int(binary.BigEndian.Uint16(h[2:]))
	if header < ipv4Len || total < header || !m.Trim(len(h)-total) {
		return mbuf.Malformed
	}
	before := h[1] & ecnMask
	ecn, v := sa.combineECN(before, m.TOS)
	if v == mbuf.Pass && ecn != before {
		setECN4(h, ecn)
	}
	return v
}

// inner6 is inner4 for IPv6. A Payload Length of 0 is a packet of 40 octets: jumbograms do not fit a tunnel.
func (sa *inSA) inner6(m *mbuf.Mbuf) mbuf.Verdict {
	h := m.Data()
	if len(h) < ipv6Len {
		return mbuf.Malformed
	}
	if h[0]>>4 != 6 {
		return mbuf.BadVersion
	}
	if !m.Trim(len(h) - ipv6Len - int(binary.BigEndian.Uint16(h[4:]))) {
		return mbuf.Malformed
	}
	before := tos6(h) & ecnMask
	ecn, v := sa.combineECN(before, m.TOS)
	if v == mbuf.Pass && ecn != before {
		setECN6(h, ecn)
	}
	return v
}

// combineECN applies RFC 6040 4.2, the same for both modes of the sender, and counts unused combinations.
func (sa *inSA) combineECN(inner, outer uint8) (ecn uint8, v mbuf.Verdict) {
	a := ecnAction(inner, outer)
	if a&ecnUnused != 0 {
		sa.oddECN++
	}
	if a&ecnDrop != 0 {
		return 0, mbuf.ECNDropped
	}
	return a & ecnMask, mbuf.Pass
}
