package config

import (
	"fmt"
	"net"
)

// Poll is how an lcore waits.
type Poll uint8

// The ways to poll.
const (
	PollBusy     Poll = iota // never sleeps
	PollAdaptive             // sleeps when idle
)

// Role is the side of a port: clear traffic inside, ESP outside.
type Role uint8

// The roles.
const (
	RoleOutside Role = iota
	RoleInside
)

// Mode is what a tunnel sends.
type Mode uint8

// The modes.
const (
	ModeAggregate Mode = iota // AGGFRAG on demand (RFC 9347 without a fixed rate)
	ModeConstant              // IP-TFS: one size, one rate
	ModeTunnel                // plain ESP tunnel (RFC 4303)
)

// Encap is what carries ESP.
type Encap uint8

// The encapsulations.
const (
	EncapNone Encap = iota // IP protocol 50
	EncapUDP               // UDP port 4500 (RFC 3948)
)

// RateKind is where a rate is counted.
type RateKind uint8

// The kinds of rate.
const (
	RateNone    RateKind = iota // not constant
	RateL2                      // bits on the link, l2_fixed_rate
	RateL3                      // bits of outer IP packets, l3_fixed_rate
	RatePackets                 // packets_per_second
)

// DF is the Don't Fragment bit of outer IPv4 packets (RFC 4301 8.1).
type DF uint8

// The DF policies.
const (
	DFSet DF = iota
	DFClear
	DFCopy // from the inner packet; mode "tunnel" only
)

// TFCKind is the kind of padding in a plain tunnel.
type TFCKind uint8

// The kinds of padding.
const (
	TFCOff    TFCKind = iota
	TFCMTU            // every packet to outer_packet_size
	TFCBucket         // every packet to a multiple of TFC.Bucket
)

// Action is what an SPD entry does with traffic.
type Action uint8

// The actions. The zero value is the safe one.
const (
	ActionDiscard Action = iota
	ActionBypass
	ActionProtect
)

// spell holds the word of each value in its TOML spelling.
var (
	pollWords   = []string{"busy", "adaptive"}
	roleWords   = []string{"outside", "inside"}
	modeWords   = []string{"aggregate", "constant", "tunnel"}
	encapWords  = []string{"none", "udp"}
	rateWords   = []string{"none", "l2", "l3", "packets"}
	dfWords     = []string{"set", "clear", "copy"}
	tfcWords    = []string{"off", "mtu", "bucket"}
	actionWords = []string{"discard", "bypass", "protect"}
)

// word returns the spelling of a value, or its number where there is none.
func word(words []string, v uint8) string {
	if int(v) < len(words) {
		return words[v]
	}
	return fmt.Sprintf("%d", v)
}

// String returns the TOML spelling.
func (v Poll) String() string { return word(pollWords, uint8(v)) }

// String returns the TOML spelling.
func (v Role) String() string { return word(roleWords, uint8(v)) }

// String returns the TOML spelling.
func (v Mode) String() string { return word(modeWords, uint8(v)) }

// String returns the TOML spelling.
func (v Encap) String() string { return word(encapWords, uint8(v)) }

// String names where the rate is counted: "none", "l2", "l3" or "packets".
func (v RateKind) String() string { return word(rateWords, uint8(v)) }

// String returns the TOML spelling.
func (v DF) String() string { return word(dfWords, uint8(v)) }

// String returns the TOML spelling.
func (v TFCKind) String() string { return word(tfcWords, uint8(v)) }

// String returns the TOML spelling.
func (v Action) String() string { return word(actionWords, uint8(v)) }

// MarshalText returns the TOML spelling, for JSON.
func (v Poll) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Role) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Mode) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Encap) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the word of String, for JSON.
func (v RateKind) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v DF) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v TFCKind) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Action) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MAC is a 48-bit link address.
type MAC [6]byte

// String returns the usual spelling, "52:54:00:00:00:02".
func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// MarshalText returns the usual spelling, for JSON.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
