package control

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/ike"
	"stillwater/iptfs"
)

// The queue of an outbound AGGFRAG SA to a peer of its own: enough for 10 ms of line rate, little enough that a stalled path
// is noticed.
const (
	queuePackets = 4096
	queueOctets  = 8 << 20
)

// counterIV is the octets of an explicit counter IV.
const counterIV = 8

var (
	dfModes  = map[config.DF]esp.DFMode{config.DFSet: esp.DFSet, config.DFClear: esp.DFClear, config.DFCopy: esp.DFCopy}
	tfcModes = map[config.TFCKind]esp.TFCMode{config.TFCOff: esp.TFCOff, config.TFCMTU: esp.TFCMTU, config.TFCBucket: esp.TFCBucket}
)

// common is what both SAs of a pair have from the configuration: the sending side's settings, and what this end receives
// with.
func (c *Core) common(t *config.Traffic, st suite.ESP, esn, aggfrag bool) dataplane.SA {
	sa := dataplane.SA{
		Alg: st.Alg, Mode: esp.ModeAGGFRAG, ESN: esn, TTL: t.TTL, DF: dfModes[t.DF], DSCP: int8(t.DSCP), FlowLabel: t.FlowLabel,
		MTU: uint16(t.OuterPacketSize), MaxInner: uint16(c.cfg.System.MaxInner), ReplayWindow: int32(t.ReplayWindow),
	}
	if !aggfrag {
		sa.Mode, sa.CopyECN = esp.ModeTunnel, true
		sa.TFC = esp.TFC{Mode: tfcModes[t.TFC.Kind], Bucket: t.TFC.Bucket}
	}
	return sa
}

// half is what both halves of a negotiated pair have in common, lifetimes too.
func (c *Core) half(child *config.ConnectionChild, b *bundle, p *ike.Pair) dataplane.SA {
	sa := c.common(&child.Traffic, p.Suite, p.ESN, b.mode == ike.ModeAggfrag)
	sa.Soft = esp.Limits{Packets: child.Rekey.Packets, Octets: child.Rekey.Bytes}
	sa.Hard = esp.Limits{Packets: child.Rekey.HardPackets, Octets: child.Rekey.HardBytes}
	return sa
}

// inboundSA turns the inbound half of a negotiated pair into what the lcore gets. It writes sa in place: key material has one
// copy, which whoever ends the command wipes.
func (c *Core) inboundSA(sa *dataplane.SA, b *bundle, p *ike.Pair) error {
	child := c.childOf(b)
	*sa = c.half(child, b, p)
	sa.SPI, sa.Src, sa.Dst = p.SPIIn, dataplane.AddrFrom(b.outer.Remote.Addr()), dataplane.AddrFrom(b.outer.Local.Addr())
	encapsulate(sa, b, b.outer.Remote.Port(), b.outer.Local.Port())
	sa.Reorder = reorder(&child.Traffic)
	return keymat(sa, p.KeymatIn)
}

// outboundSA does the same for the outbound half.
func (c *Core) outboundSA(sa *dataplane.SA, b *bundle, p *ike.Pair) error {
	child := c.childOf(b)
	*sa = c.half(child, b, p)
	sa.SPI, sa.Src, sa.Dst = p.SPIOut, dataplane.AddrFrom(b.outer.Local.Addr()), dataplane.AddrFrom(b.outer.Remote.Addr())
	encapsulate(sa, b, b.outer.Local.Port(), b.outer.Remote.Port())
	var err error
	if sa.Framing, err = framing(&child.Traffic, c.shares(b)); err != nil {
		return fmt.Errorf("connection %q: %w", c.cfg.Connections[b.conn].Name, err)
	}
	if _, one := c.cfg.Connections[b.conn].Peer(); !one {
		sa.Framing.QueueOctets, sa.Framing.QueuePackets = 0, 0 // the data plane's small ones: such peers come by the thousand
	}
	sa.Framing.DontFragment = sa.Framing.DontFragment || p.PeerDontFragment
	return keymat(sa, p.KeymatOut)
}

// encapsulate puts ESP in UDP where the engine says so (RFC 3948).
func encapsulate(sa *dataplane.SA, b *bundle, src, dst uint16) {
	if b.outer.UDP {
		sa.Encap, sa.SrcPort, sa.DstPort = esp.EncapUDP, src, dst
	}
}

// keymat copies key material into the by-value form.
func keymat(sa *dataplane.SA, key []byte) error {
	if len(key) > len(sa.Keymat) {
		return fmt.Errorf("SA %#08x: %w: %d octets of key material, at most %d", sa.SPI, errRefused, len(key), len(sa.Keymat))
	}
	sa.KeymatLen = uint8(copy(sa.Keymat[:], key))
	return nil
}

// shares is how many outbound SAs divide the rate of a constant bundle between them.
func (c *Core) shares(b *bundle) int {
	if c.childOf(b).Mode != config.ModeConstant {
		return 1
	}
	return 1 + c.resources(&c.cfg.Connections[b.conn])
}

// suiteName is a pair's suite in strongSwan's spelling.
func suiteName(p *ike.Pair) string {
	if p.ESN {
		return p.Suite.String() + "-esn"
	}
	return p.Suite.String()
}

// reorder is how inbound AGGFRAG SAs put payloads in order.
func reorder(t *config.Traffic) dataplane.Reorder {
	return dataplane.Reorder{Window: uint16(t.WindowSize), Immediate: t.SendImmediately, LostTimer: int64(t.LostPacketTimer)}
}

// randomBase is the distance between sequence number and IV of a static SA. After a restart the counter begins again under
// the same key, and an IV must never repeat under a key (RFC 4106 3.1): a new base each start keeps the ranges apart.
func randomBase() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: it would end the process
	return binary.BigEndian.Uint64(b[:])
}

// framing is how outbound SAs fill and time their payloads; share of them divide the rate.
func framing(t *config.Traffic, share int) (dataplane.Framing, error) {
	f := dataplane.Framing{
		OuterSize: uint16(t.OuterPacketSize), Constant: t.Mode == config.ModeConstant, DontFragment: t.DontFragment,
		MinFragment: uint16(t.MinFragment), QueueOctets: queueOctets, QueuePackets: queuePackets, MaxWait: int64(t.MaxAggregationTime),
	}
	if !f.Constant {
		return f, nil
	}
	every, err := interval(t)
	if err != nil {
		return f, err
	}
	if every.Num > math.MaxInt64/int64(share) {
		return f, fmt.Errorf("rate %d divided by %d SAs is below one packet in 292 years", t.Rate.Value, share)
	}
	every.Num *= int64(share)
	f.Interval = every
	return f, nil
}

// interval is the time between the packets of a constant tunnel, all its SAs together.
func interval(t *config.Traffic) (iptfs.Interval, error) {
	v := int64(min(t.Rate.Value, math.MaxInt64))
	switch t.Rate.Kind {
	case config.RateL2:
		return iptfs.L2Rate(v, t.OuterPacketSize, t.L2Overhead)
	case config.RateL3:
		return iptfs.L3Rate(v, t.OuterPacketSize)
	default:
		return iptfs.PacketRate(v)
	}
}
