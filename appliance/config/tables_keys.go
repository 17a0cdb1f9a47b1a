package config

import (
	"fmt"
	"math"
	"net/netip"
	"time"
)

// keysDraft is a KeySet while its parts are read.
type keysDraft struct {
	sas []captureDraft
}

// captureDraft is a CaptureSA with its keys apart.
type captureDraft struct {
	CaptureSA
	integKey Key
	at       *place
}

// keysTable is the schema of a key file.
var keysTable = table[keysDraft]{
	rows: []row[keysDraft]{
		many("sa", &captureTable, true, "an SA of the capture, one direction", func(f *keysDraft) *[]captureDraft { return &f.sas }),
	},
}

// captureTable is the schema of [[sa]] in a key file.
var captureTable = table[captureDraft]{
	place: func(s *captureDraft, at *place) { s.at = at }, label: bySPI,
	rows: []row[captureDraft]{
		key("spi", captureSPIKind, must{}, "SPI", func(s *captureDraft) *uint32 { return &s.SPI }),
		key("encr", algKind, must{}, "encryption algorithm", func(s *captureDraft) *string { return &s.Encr }),
		key("integ", noAlgKind, "none", "integrity algorithm, with those that do not authenticate themselves", func(s *captureDraft) *string { return &s.Integ }),
		key("key", keyKind, must{}, "key and salt, or key and integrity key", func(s *captureDraft) *Key { return &s.Key }),
		key("integ_key", keyKind, nil, "integrity key, where key does not hold it", func(s *captureDraft) *Key { return &s.integKey }),
		key("mode", choice[CaptureMode](captureModeWords...), "iptfs", "what the SA carries: AGGFRAG payloads or IP in ESP", func(s *captureDraft) *CaptureMode { return &s.Mode }),
		key("esn", boolKind, false, "64-bit sequence numbers", func(s *captureDraft) *bool { return &s.ESN }),
		key("esn_initial_hi", integer[uint32](0, math.MaxUint32), int64(0), "high half of the sequence numbers where the capture starts", func(s *captureDraft) *uint32 { return &s.ESNInitialHi }),
		key("src", anyKind, nil, "outer source address; without it any", func(s *captureDraft) *netip.Addr { return &s.Src }),
		key("dst", anyKind, nil, "outer destination address; without it any", func(s *captureDraft) *netip.Addr { return &s.Dst }),
		key("encap", choice[Encap](encapWords...), "none", "udp: ESP in UDP", func(s *captureDraft) *Encap { return &s.Encap }),
		key("sport", integer[uint16](1, math.MaxUint16), nil, "encap udp: source port; without it 4500", func(s *captureDraft) *uint16 { return &s.SrcPort }),
		key("dport", integer[uint16](1, math.MaxUint16), nil, "encap udp: destination port; without it 4500", func(s *captureDraft) *uint16 { return &s.DstPort }),
		key("reorder_window", integer[int](0, math.MaxUint16), int64(1024), "mode iptfs: reorder window, packets; 0: none. Nobody waits for a capture, so it is wide", func(s *captureDraft) *int { return &s.ReorderWindow }),
		key("lost_packet_timer_ms", milliseconds(time.Minute), nil, "mode iptfs: wait for a missing packet in the time of the capture; without it the reorder window alone decides", func(s *captureDraft) *time.Duration { return &s.LostPacketTimer }),
		key("outer_size", integer[int](minPacket, maxPacket), nil, "size of the outer IP packets when sealing, octets; without it as needed", func(s *captureDraft) *int { return &s.OuterSize }),
		key("replay_window", integer[int](0, maxWindow), int64(1984), "anti-replay window, packets, rounded up; 0: off, not with esn", func(s *captureDraft) *int { return &s.ReplayWindow }),
	},
}

// bySPI labels an SA by its number and, where it has one, its SPI.
func bySPI(raw map[string]any, n int) string {
	if v, err := captureSPIKind.parse(raw["spi"]); err == nil {
		return fmt.Sprintf("[%d,spi=%#x]", n+1, v)
	}
	return byNumber(raw, n)
}
