package config

import (
	"net/netip"
	"time"
)

// KeySet is a file of SAs for reading a capture. It is immutable after LoadKeys, except for Wipe.
type KeySet struct {
	File string
	SAs  []CaptureSA
}

// Wipe overwrites every key.
func (s *KeySet) Wipe() {
	for i := range s.SAs {
		s.SAs[i].Key.Wipe()
	}
}

// CaptureSA is one [[sa]] of a key file: one direction, as some other implementation set it up.
type CaptureSA struct {
	SPI             uint32 // at least 256; the top bit may be set
	Encr, Integ     string // canonical names of crypto/suite; Integ is empty for combined-mode algorithms
	Key             Key    // KEYMAT: cipher key then salt, or cipher key then integrity key
	Mode            CaptureMode
	ESN             bool
	ESNInitialHi    uint32     // high half of the sequence numbers when the capture starts
	Src, Dst        netip.Addr // outer addresses; the zero Addr: any
	Encap           Encap
	SrcPort         uint16 // UDP ports of EncapUDP, else 0
	DstPort         uint16
	ReorderWindow   int           // packets
	LostPacketTimer time.Duration // 0: follow the measured arrival gap
	OuterSize       int           // octets of the outer packets when sealing; 0: as needed
	ReplayWindow    int           // packets; 0: off
}

// CaptureMode is what the SA carries.
type CaptureMode uint8

// The modes of a captured SA.
const (
	CaptureIPTFS  CaptureMode = iota // AGGFRAG payloads, Next Header 144
	CaptureTunnel                    // IP in ESP
)

// captureModeWords spells CaptureMode.
var captureModeWords = []string{"iptfs", "tunnel"}

// String returns the TOML spelling.
func (m CaptureMode) String() string { return word(captureModeWords, uint8(m)) }

// MarshalText returns the TOML spelling, for JSON.
func (m CaptureMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
