package config

import "time"

// Traffic is how a tunnel, or the SAs of a connection's child, carry packets. Keys named as in RFC 9348 mean what they mean
// there. Nothing in it is negotiated but the mode: it is how this end sends and receives. Immutable value.
type Traffic struct {
	VRF             uint16 // of the inner side; the outer side is in the VRF of the port
	Mode            Mode
	OuterPacketSize int // largest (constant mode: every) outer IP packet, octets
	Rate            Rate
	L2Overhead      int // octets a packet costs on the link beside its IP packet; for RateL2
	PathIsMine      bool

	DontFragment       bool
	MinFragment        int
	WindowSize         int // reorder window, packets; 0: none
	SendImmediately    bool
	LostPacketTimer    time.Duration // 0: follow the measured arrival gap
	MaxAggregationTime time.Duration

	ReplayWindow int // packets
	DSCP         int // 0..63, or CopyDSCP
	DF           DF  // IPv4 outer only
	TTL          uint8
	FlowLabel    uint32 // IPv6 outer only
	TFC          TFC    // mode "tunnel" only
}

// CopyDSCP in Traffic.DSCP: the outer DS field is the inner packet's (mode "tunnel" only, RFC 4301 5.1.2).
const CopyDSCP = -1

// Rate is the sending rate in mode "constant", all SAs of the tunnel or child together.
type Rate struct {
	Kind  RateKind
	Value uint64 // bits or packets per second; 0 with RateNone
}

// TFC says how plain ESP pads (RFC 4303 2.7).
type TFC struct {
	Kind   TFCKind
	Bucket int // octets, for TFCBucket
}

// SendInterval returns the time between two packets of a constant rate, rounded; 0 for other modes.
func (t *Traffic) SendInterval() time.Duration {
	octets := uint64(t.OuterPacketSize)
	switch t.Rate.Kind {
	case RateNone:
		return 0
	case RatePackets:
		return time.Duration(uint64(time.Second) / t.Rate.Value)
	case RateL2:
		octets += uint64(t.L2Overhead)
	}
	return time.Duration(octets * 8 * uint64(time.Second) / t.Rate.Value)
}
