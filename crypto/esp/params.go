package esp

import (
	"fmt"
	"net/netip"

	"stillwater/crypto/suite"
)

// Mode is what an SA carries.
type Mode uint8

// The modes.
const (
	ModeTunnel  Mode = iota // one inner IP packet per ESP packet: Next Header 4 or 41 (RFC 4303 2.6)
	ModeAGGFRAG             // AGGFRAG payloads: Next Header 144 (RFC 9347 6.1)
)

// Encap is what carries the ESP packet.
type Encap uint8

// The encapsulations.
const (
	EncapNone Encap = iota // ESP directly over IP, protocol 50
	EncapUDP               // UDP (RFC 3948)
)

// DFMode is what becomes of the Don't Fragment bit of an IPv4 outer header (RFC 4301 8.1).
type DFMode uint8

// The DF modes. Only an inner IPv4 or IPv6 header can be copied from; an inner IPv6 header counts as DF set, because no
// router may fragment it.
const (
	DFSet DFMode = iota
	DFClear
	DFCopy
)

// TFCMode is how much traffic flow confidentiality padding a tunnel SA adds (RFC 4303 2.7).
type TFCMode uint8

// The TFC modes.
const (
	TFCOff    TFCMode = iota
	TFCMTU            // every packet as large as Params.MTU allows
	TFCBucket         // payload rounded up to a multiple of TFC.Bucket octets, within Params.MTU where that is set
)

// TFC is the traffic flow confidentiality padding of an SA. It is allowed unless the peer sent
// ESP_TFC_PADDING_NOT_SUPPORTED; that is the caller's to know.
type TFC struct {
	Mode   TFCMode
	Bucket int // octets, TFCBucket only
}

// Limits are lifetimes of an SA; 0 is no limit. Octets counts what the algorithm was applied to: payload, padding and
// trailer (RFC 4301 4.4.2.1). Seq is a sequence number: the last that may be used. As a soft limit, 0 is three quarters of
// Hard.Seq or, without that, of what the counter has, so that every SA is replaced in time (RFC 7296 2.8).
type Limits struct{ Packets, Octets, Seq uint64 }

// DSCPCopy as Params.DSCP copies the inner DS field to the outer header (RFC 4301 5.1.2.1).
const DSCPCopy = -1

// Params is what an SA is made from, for both directions: an inbound SA ignores the outer header and TFC, an outbound SA
// the replay window. Nothing in it is retained.
type Params struct {
	SPI    uint32
	Suite  suite.ESP
	Keymat []byte // key, integrity key where the suite has one, salt: Suite.KeymatLen() octets
	ESN    bool   // 64-bit sequence numbers
	Mode   Mode

	Src, Dst         netip.Addr // outer addresses, of one family
	Encap            Encap
	SrcPort, DstPort uint16 // EncapUDP
	TTL              uint8  // outer TTL or hop limit; 0 is 64
	DF               DFMode // outer IPv4
	DSCP             int    // 0 to 63 fixed, or DSCPCopy
	CopyECN          bool   // normal mode of RFC 6040 4.1; false is its compatibility mode, outer Not-ECT
	FlowLabel        uint32 // outer IPv6, constant
	UDPZeroChecksum6 bool   // send checksum 0 over IPv6 (RFC 6935); false computes it
	TFC              TFC    // tunnel mode only
	MTU              int    // largest outer packet TFC pads to, in octets of the outer IP packet

	// IVBase is added to the sequence number for the explicit counter IV, so that a key whose counter was lost can go on
	// without repeating an IV. 0 for suites that have none.
	IVBase uint64
	// FirstSeq is the first sequence number: 0 and 1 are a fresh SA. Inbound, all before it count as received.
	FirstSeq uint64
	// ReplayWindow is in sequence numbers, rounded up to 64*(M-1) with M a power of two; 0 is 1984, -1 is off.
	ReplayWindow int

	Soft, Hard Limits
}

// Defaults of Params fields that are 0.
const (
	defaultTTL    = 64
	defaultWindow = 1984
)

// ParamError is a Params field whose value no SA can be built from.
type ParamError struct {
	Field string
	Value any // never key material: for Keymat its length
	Want  string
}

// Error implements error.
func (e *ParamError) Error() string {
	return fmt.Sprintf("esp sa: %s is %v, want %s", e.Field, e.Value, e.Want)
}

// rule is one line of a validation table.
type rule struct {
	broken bool
	field  string
	value  any
	want   string
}

// firstBroken returns the error of the first broken rule.
func firstBroken(rules []rule) error {
	for _, r := range rules {
		if r.broken {
			return &ParamError{r.field, r.value, r.want}
		}
	}
	return nil
}

// validate checks what both directions need.
func (p *Params) validate() error {
	known, ok := suite.Lookup(p.Suite.Alg)
	return firstBroken([]rule{
		{p.SPI < MinSPI, "SPI", p.SPI, "256 or more"},
		{!ok || known != p.Suite, "Suite", p.Suite, "a row of crypto/suite"},
		{len(p.Keymat) != p.Suite.KeymatLen(), "length of Keymat", len(p.Keymat), fmt.Sprint(p.Suite.KeymatLen(), " octets")},
		{p.Mode > ModeAGGFRAG, "Mode", p.Mode, "ModeTunnel or ModeAGGFRAG"},
		{p.FirstSeq > p.lastSeq(), "FirstSeq", p.FirstSeq, "32 bits without ESN"},
	})
}

// validateInbound checks what an inbound SA needs beside that.
func (p *Params) validateInbound() error {
	w := p.ReplayWindow
	return firstBroken([]rule{
		{w < -1 || w > MaxWindow, "ReplayWindow", w, fmt.Sprint("-1 to ", MaxWindow)},
		// RFC 4303 3.3.3: without anti-replay there is no right edge to infer the high half from.
		{w == -1 && p.ESN, "ReplayWindow", w, "a window with 64-bit sequence numbers"},
	})
}

// validateOutbound checks what an outbound SA needs beside that, but for the outer header.
func (p *Params) validateOutbound() error {
	return firstBroken([]rule{
		{p.IVBase != 0 && !p.counterIV(), "IVBase", p.IVBase, "0 for a suite without explicit counter IV"},
		{p.Hard.Seq != 0 && p.FirstSeq > p.Hard.Seq, "FirstSeq", p.FirstSeq, "at most Hard.Seq"},
		{p.TFC.Mode > TFCBucket, "TFC.Mode", p.TFC.Mode, "off, mtu or bucket"},
		{p.TFC.Mode != TFCOff && p.Mode != ModeTunnel, "TFC.Mode", p.TFC.Mode, "off in AGGFRAG mode, which pads by itself"},
		{p.TFC.Mode == TFCMTU && p.MTU == 0, "MTU", p.MTU, "a size to pad to"},
		{p.TFC.Mode == TFCBucket && (p.TFC.Bucket < 1 || p.TFC.Bucket > maxBucket), "TFC.Bucket", p.TFC.Bucket, "1 to 65535 octets"},
	})
}

// validateOuter checks what the outer header is built from.
func (p *Params) validateOuter() error {
	agg := p.Mode == ModeAGGFRAG
	return firstBroken([]rule{
		{!p.Src.IsValid() || p.Src.Is4In6(), "Src", p.Src, "an IPv4 or IPv6 address"},
		{!p.Dst.IsValid() || p.Dst.Is4In6(), "Dst", p.Dst, "an IPv4 or IPv6 address"},
		{p.Src.Is4() != p.Dst.Is4(), "Dst", p.Dst, "an address of the family of Src"},
		{p.Encap > EncapUDP, "Encap", p.Encap, "EncapNone or EncapUDP"},
		{p.Encap == EncapUDP && p.SrcPort == 0, "SrcPort", p.SrcPort, "a UDP port"},
		{p.Encap == EncapUDP && p.DstPort == 0, "DstPort", p.DstPort, "a UDP port"},
		{p.DF > DFCopy, "DF", p.DF, "DFSet, DFClear or DFCopy"},
		{p.DSCP < DSCPCopy || p.DSCP > 63, "DSCP", p.DSCP, "0 to 63, or -1 to copy"},
		{p.FlowLabel >= 1<<20, "FlowLabel", p.FlowLabel, "20 bits"},
		// RFC 9347 2.2.5 and 3.1: nothing of the outer header comes from the packets inside an AGGFRAG payload.
		{agg && p.DSCP == DSCPCopy, "DSCP", p.DSCP, "a fixed value in AGGFRAG mode"},
		{agg && p.DF == DFCopy, "DF", p.DF, "DFSet or DFClear in AGGFRAG mode"},
		{agg && p.CopyECN, "CopyECN", p.CopyECN, "false in AGGFRAG mode"},
	})
}

// counterIV reports whether packets carry an IV that is a counter (RFC 4106 3.1, RFC 4543 3.1, RFC 7634 2).
func (p *Params) counterIV() bool { return p.Suite.Encr.Kind.SelfAuth() && !p.Suite.Encr.ImplicitIV }

// lastSeq is the last sequence number before the counter would cycle.
func (p *Params) lastSeq() uint64 {
	if p.ESN {
		return 1<<64 - 1
	}
	return 1<<32 - 1
}

// firstSeq is FirstSeq with its default.
func (p *Params) firstSeq() uint64 { return max(p.FirstSeq, 1) }

// key and salt are the parts of Keymat.
func (p *Params) key() []byte { return p.Keymat[:p.Suite.KeyLen()] }

func (p *Params) salt() (s [4]byte) {
	copy(s[:], p.Keymat[p.Suite.KeyLen():])
	return s
}

// textIV is how many octets of IV the back-end's text begins with: aead.Desc.
func (p *Params) textIV() int {
	if p.Suite.Encr.Kind == suite.KindAEAD {
		return 0
	}
	return p.Suite.IVLen()
}

// aadLen is the octets of AAD: RFC 4106 5.
func (p *Params) aadLen() uint8 {
	if p.ESN {
		return 12
	}
	return 8
}

// highFirst reports whether the AAD has the high half of the sequence number in front of the low one: AEAD suites with
// 64-bit numbers (RFC 4106 5). With a separate integrity algorithm it comes last (RFC 4303 2.2.1).
func (p *Params) highFirst() bool { return p.ESN && p.Suite.Encr.Kind.SelfAuth() }
