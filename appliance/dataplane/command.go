package dataplane

import (
	"cmp"
	"fmt"
	"net/netip"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
)

// Op is what a command asks for.
type Op uint8

// The operations. Every command is answered by exactly one Ack with its ticket.
const (
	// InstallInbound expands the keys of an inbound SA and gives it to its lcore; from the ack on, the lcore opens its
	// packets.
	InstallInbound Op = iota + 1
	// InstallOutbound does the same for an outbound SA. Traffic reaches it when a generation names it. At a rekey After and
	// AfterSPI are slot and SPI of the SA of the same child on the same lcore whose place it takes: while that one has packets
	// waiting, or is still named, the new one sends nothing, so that no packet overtakes another and a constant rate goes on
	// under the new SA slot by slot. Publish the generation that names the new SA, then remove the old one; the old one must
	// not be named again once it has been replaced.
	InstallOutbound
	// RemoveInbound and RemoveOutbound take an SA away from its lcore. Packets in its framer leave first, so an inner
	// packet never ends half sent (RFC 9347 2.2.3). From the ack on the lcore holds nothing of it, and the keys are wiped.
	RemoveInbound
	RemoveOutbound
	// Redirect changes where the packets of an outbound SA go: its peer has moved, or the size of its packets has changed. SA is
	// what was installed, but for addresses, encapsulation, ports, MTU and Framing.OuterSize, and needs no key. Sequence
	// numbers and waiting packets go on; the ack is the first moment at which nothing more leaves as before. The way there is
	// the generation's: Child.Egress.
	Redirect
	// Drain stops an lcore's intake from protected networks and is acknowledged when every framer is empty.
	Drain
)

// maxKeymat is the octets of the longest key material: AES-256 with HMAC-SHA2-512.
const maxKeymat = 32 + 64

// Addr is an IP address by value: IPv4 in its IPv6-mapped form.
type Addr [16]byte

// AddrFrom converts an address.
func AddrFrom(a netip.Addr) Addr { return a.As16() }

// IP returns the address in its own family.
func (a Addr) IP() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Framing is how an outbound AGGFRAG SA fills its payloads and when it sends them. Zero values mean the defaults of
// package iptfs.
type Framing struct {
	OuterSize    uint16         // octets of the outer IP packet: exact when Constant, the maximum otherwise
	Constant     bool           // fixed size at a fixed rate (RFC 9347 2.1)
	DontFragment bool           // the peer cannot receive fragments (RFC 9347 6.1.4, D)
	MinFragment  uint16         // octets of room before a fragment starts in a tail
	QueueOctets  uint32         // that may wait; 0 is 512 KiB
	QueuePackets uint32         // that may wait, a power of two; 0 is 256. Each takes 16 octets of memory, used or not
	MaxWait      int64          // max-aggregation-time, ns (RFC 9348)
	Interval     iptfs.Interval // constant: time between payloads
}

// Reorder is how an inbound AGGFRAG SA puts payloads in order and waits for lost ones.
type Reorder struct {
	Window      uint16 // packets; 0 disables
	Immediate   bool   // send-immediately (RFC 9348)
	NoFragments bool   // we told the peer not to fragment
	LostTimer   int64  // ns, 0: from the measured arrival gap
}

// SA is everything about one SA, by value: control and data plane may one day be two processes. Keys are in Keymat only;
// whoever reads one from a ring clears it after use.
type SA struct {
	SPI              uint32
	Alg              suite.Alg
	Mode             esp.Mode
	Encap            esp.Encap
	DF               esp.DFMode
	TTL              uint8
	DSCP             int8 // -1 copies the inner one
	ESN              bool
	CopyECN          bool
	UDPZeroChecksum6 bool
	KeymatLen        uint8
	Keymat           [maxKeymat]byte
	Src, Dst         Addr
	SrcPort, DstPort uint16
	MTU              uint16
	MaxInner         uint16
	TFC              esp.TFC
	FlowLabel        uint32
	ReplayWindow     int32
	IVBase, FirstSeq uint64
	Soft, Hard       esp.Limits
	Framing          Framing
	Reorder          Reorder
}

// Command is one request of control to the data plane.
type Command struct {
	Op     Op
	Lcore  uint8
	Ticket uint64
	Child  uint32 // index of the Child SA's traffic selectors in the generation
	Slot   uint32 // Remove, Redirect: the slot the install was acknowledged with
	SA     SA     // Install, Redirect
	// InstallOutbound: slot and SPI of the SA that the new one comes after; SPI 0 for none. Slots are used again: an SA that has
	// gone by then, or is another one, holds nothing up.
	After, AfterSPI uint32
}

// wipe clears the key material.
func (c *Command) wipe() { clear(c.SA.Keymat[:]) }

// Code is why a command was refused.
type Code uint8

// The codes.
const (
	Done       Code = iota
	BadCommand      // unknown operation, lcore or slot
	BadSA           // parameters that package esp or iptfs refuses
	NoSlot          // the lcore's SA table is full
	SPIInUse        // the lcore has an inbound SA with this SPI
	LcoreDead       // the lcore has stopped
)

// String names the code.
func (c Code) String() string {
	return [...]string{"done", "bad command", "bad SA parameters", "SA table full", "SPI in use", "lcore stopped"}[c]
}

// Ack answers a command. It is the moment from which the lcore uses, or no longer holds, what the command named.
type Ack struct {
	Ticket   uint64
	Op       Op
	Code     Code
	Lcore    uint8
	Slot     uint32
	Counters esp.Counters // Remove: the final counters, from a stopped lcore too
}

// params turns the by-value form into what package esp builds a record from. The key material is not copied: the caller
// wipes the SA when the record is built.
func (s *SA) params() (*esp.Params, error) {
	st, ok := suite.Lookup(s.Alg)
	if !ok || int(s.KeymatLen) > len(s.Keymat) {
		return nil, fmt.Errorf("algorithm %d with %d octets of key material, expected a suite of ESP and at most %d", s.Alg, s.KeymatLen, maxKeymat)
	}
	return &esp.Params{
		SPI: s.SPI, Suite: st, Keymat: s.Keymat[:s.KeymatLen], ESN: s.ESN, Mode: s.Mode,
		Src: s.Src.IP(), Dst: s.Dst.IP(), Encap: s.Encap, SrcPort: s.SrcPort, DstPort: s.DstPort,
		TTL: s.TTL, DF: s.DF, DSCP: int(s.DSCP), CopyECN: s.CopyECN, FlowLabel: s.FlowLabel,
		UDPZeroChecksum6: s.UDPZeroChecksum6, TFC: s.TFC, MTU: int(s.MTU), IVBase: s.IVBase, FirstSeq: s.FirstSeq,
		ReplayWindow: int(s.ReplayWindow), Soft: s.Soft, Hard: s.Hard,
	}, nil
}

// capacity returns the octets that one packet of an outbound SA carries: of inner packet in tunnel mode, of AGGFRAG payload
// otherwise.
func (s *SA) capacity(p *esp.Params) (int, error) {
	if s.Mode == esp.ModeAGGFRAG {
		return esp.PayloadCapacity(p, int(s.Framing.OuterSize))
	}
	return esp.PayloadCapacity(p, int(s.MTU))
}

// The queue of an outbound AGGFRAG SA that asks for none of its own: a burst from every lcore, and little enough memory for
// ten thousand SAs.
const (
	defaultQueuePackets = 256
	defaultQueueOctets  = 512 << 10
)

// framer builds the framer of an outbound AGGFRAG SA whose outer packets carry capacity octets of ESP payload. Framers of one
// lcore share scratch.
func (s *SA) framer(capacity int, scratch mbuf.Burst) (*iptfs.Framer, error) {
	f := &s.Framing
	return iptfs.NewFramer(iptfs.FramerConfig{
		PayloadSize: capacity, Fixed: f.Constant, MinFragment: int(f.MinFragment), DontFragment: f.DontFragment,
		MaxInner: int(s.MaxInner), QueueOctets: int(cmp.Or(f.QueueOctets, defaultQueueOctets)),
		QueuePackets: int(cmp.Or(f.QueuePackets, defaultQueuePackets)), MaxWait: f.MaxWait, Scratch: scratch,
	})
}

// reassembler builds the reassembler of an inbound AGGFRAG SA.
func (s *SA) reassembler() (*iptfs.Reassembler, error) {
	r := &s.Reorder
	return iptfs.NewReassembler(iptfs.ReassemblerConfig{
		Window: int(r.Window), LostTimer: r.LostTimer, Immediate: r.Immediate, MaxInner: int(s.MaxInner), NoFragments: r.NoFragments,
	})
}

// order is what the builder passes on to an lcore: no keys, only where they were expanded.
type order struct {
	op       Op
	slot     uint32
	spi      uint32
	ticket   uint64
	after    uint32          // InstallOutbound: the slot of the SA that comes before
	afterSPI uint32          // and its SPI; 0: none comes before
	capacity uint32          // Redirect: what a packet carries from then on
	header   esp.OuterHeader // Redirect
}
