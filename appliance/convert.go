package appliance

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/iptfs"
)

// The queue of an outbound AGGFRAG SA: enough for 10 ms of line rate, little enough that a stalled path is noticed.
const (
	queuePackets = 4096
	queueOctets  = 8 << 20
)

// saPair turns one [[tunnel.sa]] into the parameters of its two SAs. share is how many outbound SAs divide the tunnel's
// rate between them.
func saPair(cfg *config.Config, t *config.Tunnel, s *config.SA, share int) (out, in dataplane.SA, err error) {
	st, err := suite.ParseESP(s.Encr, s.Integ)
	if err != nil {
		return out, in, fmt.Errorf("tunnel %q: %w", t.Name, err)
	}
	common := dataplane.SA{
		Alg: st.Alg, Mode: esp.ModeAGGFRAG, ESN: s.ESN, TTL: t.TTL, DF: dfModes[t.DF], DSCP: int8(t.DSCP),
		FlowLabel: t.FlowLabel, MTU: uint16(t.OuterPacketSize), MaxInner: uint16(cfg.System.MaxInner), ReplayWindow: int32(t.ReplayWindow),
		Soft: esp.Limits{Packets: t.Lifetime.SoftPackets, Octets: t.Lifetime.SoftBytes},
		Hard: esp.Limits{Packets: t.Lifetime.Packets, Octets: t.Lifetime.Bytes},
	}
	if t.Encap == config.EncapUDP {
		common.Encap, common.SrcPort, common.DstPort = esp.EncapUDP, espPort, espPort
	}
	if t.Mode == config.ModeTunnel {
		common.Mode, common.CopyECN = esp.ModeTunnel, true
		common.TFC = esp.TFC{Mode: tfcModes[t.TFC.Kind], Bucket: t.TFC.Bucket}
	}
	out, in = common, common
	out.SPI, out.Src, out.Dst = s.SPIOut, dataplane.AddrFrom(t.Local), dataplane.AddrFrom(t.Remote)
	in.SPI, in.Src, in.Dst = s.SPIIn, dataplane.AddrFrom(t.Remote), dataplane.AddrFrom(t.Local)
	out.KeymatLen, in.KeymatLen = uint8(copy(out.Keymat[:], s.KeyOut.Bytes())), uint8(copy(in.Keymat[:], s.KeyIn.Bytes()))
	if st.IVLen() == counterIV {
		out.IVBase = randomBase()
	}
	in.Reorder = dataplane.Reorder{Window: uint16(t.WindowSize), Immediate: t.SendImmediately, LostTimer: int64(t.LostPacketTimer)}
	out.Framing, err = framing(t, share)
	return out, in, err
}

const (
	espPort   = 4500 // UDP port of ESP and IKE (RFC 3948)
	counterIV = 8    // octets of an explicit counter IV
)

var (
	dfModes  = map[config.DF]esp.DFMode{config.DFSet: esp.DFSet, config.DFClear: esp.DFClear, config.DFCopy: esp.DFCopy}
	tfcModes = map[config.TFCKind]esp.TFCMode{config.TFCOff: esp.TFCOff, config.TFCMTU: esp.TFCMTU, config.TFCBucket: esp.TFCBucket}
)

// randomBase is the distance between sequence number and IV of a static SA. After a restart the counter begins again under
// the same key, and an IV must never repeat under a key (RFC 4106 3.1): a new base each start keeps the ranges apart.
func randomBase() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: it would end the process
	return binary.BigEndian.Uint64(b[:])
}

// framing is how the outbound SAs of a tunnel fill and time their payloads.
func framing(t *config.Tunnel, share int) (dataplane.Framing, error) {
	f := dataplane.Framing{
		OuterSize: uint16(t.OuterPacketSize), Constant: t.Mode == config.ModeConstant, DontFragment: t.DontFragment,
		MinFragment: uint16(t.MinFragment), QueueOctets: queueOctets, QueuePackets: queuePackets, MaxWait: int64(t.MaxAggregationTime),
	}
	if !f.Constant {
		return f, nil
	}
	every, err := interval(t)
	if err != nil {
		return f, fmt.Errorf("tunnel %q: %w", t.Name, err)
	}
	if every.Num > math.MaxInt64/int64(share) {
		return f, fmt.Errorf("tunnel %q: rate %d divided by %d SAs is below one packet in 292 years", t.Name, t.Rate.Value, share)
	}
	every.Num *= int64(share)
	f.Interval = every
	return f, nil
}

// interval is the time between the packets of a constant tunnel, all its SAs together.
func interval(t *config.Tunnel) (iptfs.Interval, error) {
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

// selector turns a policy entry of the file into one of package spd.
func selector(p *config.Policy) spd.Selector {
	s := spd.Selector{Local: ranges(p.Local), Remote: ranges(p.Remote), LocalPorts: ports(p.LocalPorts), RemotePorts: ports(p.RemotePorts)}
	if p.Protocol != config.AnyProtocol {
		s.Protocol = spd.Protocol(p.Protocol)
	}
	if len(p.ICMP) > 0 {
		icmp := ports(config.Ports{Ranges: p.ICMP})
		s.LocalPorts, s.RemotePorts = icmp, icmp
	}
	return s
}

func ranges(in []config.AddrRange) []spd.AddrRange {
	out := make([]spd.AddrRange, 0, len(in))
	for _, r := range in {
		out = append(out, spd.AddrRange{First: r.First, Last: r.Last})
	}
	return out
}

func ports(in config.Ports) spd.Ports {
	out := spd.Ports{Opaque: in.Opaque}
	for _, r := range in.Ranges {
		out.Ranges = append(out.Ranges, spd.PortRange{First: r.First, Last: r.Last})
	}
	return out
}

// actions maps policy actions. A missing row would be Discard, the safe one.
var actions = map[config.Action]spd.Action{
	config.ActionDiscard: spd.Discard, config.ActionBypass: spd.Bypass, config.ActionProtect: spd.Protect,
}

// policyDB compiles the ordered policy of the file. Tunnel numbers are child numbers.
func policyDB(cfg *config.Config) (*spd.DB, error) {
	entries := make([]spd.Entry, 0, len(cfg.Policies))
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		e := spd.Entry{VRF: p.VRF, Selectors: []spd.Selector{selector(p)}, Action: actions[p.Action]}
		if p.Action == config.ActionProtect {
			e.Tunnel = uint32(p.Tunnel)
		}
		entries = append(entries, e)
	}
	return spd.New(entries)
}

// selectorsOf compiles the traffic selectors that every packet out of tunnel i must match.
func selectorsOf(cfg *config.Config, i int) (*spd.Selectors, error) {
	var list []spd.Selector
	for _, p := range cfg.PoliciesOf(i) {
		list = append(list, selector(&p))
	}
	return spd.NewSelectors(list)
}
