package mgmt

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// SPI names an ESP SA. In text and JSON it has 8 hexadecimal digits. A value.
type SPI uint32

// String is the SPI as packet dumps have it.
func (s SPI) String() string { return fmt.Sprintf("%08x", uint32(s)) }

// MarshalText is String, for JSON.
func (s SPI) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *SPI) UnmarshalText(b []byte) error {
	v, err := parseHex(b, 32)
	*s = SPI(v)
	return err
}

// IKESPI names one end of an IKE SA. In text and JSON it has 16 hexadecimal digits. A value.
type IKESPI uint64

// String is the SPI as packet dumps have it.
func (s IKESPI) String() string { return fmt.Sprintf("%016x", uint64(s)) }

// MarshalText is String, for JSON.
func (s IKESPI) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *IKESPI) UnmarshalText(b []byte) error {
	v, err := parseHex(b, 64)
	*s = IKESPI(v)
	return err
}

func parseHex(b []byte, bits int) (uint64, error) {
	v, err := strconv.ParseUint(string(b), 16, bits)
	if err != nil || len(b) != bits/4 {
		return 0, fmt.Errorf("SPI %.40q: expected %d hexadecimal digits", b, bits/4)
	}
	return v, nil
}

// SAs is the result of "show sas".
type SAs struct {
	IKE    []IKESA    `json:"ike"`
	Static []StaticSA `json:"static"`
}

// IKESA is one IKE SA. A value; ages and waits are in seconds.
type IKESA struct {
	Connection  string         `json:"connection"`
	State       string         `json:"state"`
	Up          bool           `json:"up"`     // both ends are authenticated, and it is neither replaced nor being deleted
	Ending      bool           `json:"ending"` // it is replaced, being deleted, or refused
	Initiator   bool           `json:"initiator"`
	Local       netip.AddrPort `json:"local"`
	Remote      netip.AddrPort `json:"remote"`
	UDP         bool           `json:"udp"` // ESP travels in UDP (RFC 3948)
	LocalID     string         `json:"local_id"`
	RemoteID    string         `json:"remote_id"` // authenticated; empty before
	SPIi        IKESPI         `json:"spi_i"`
	SPIr        IKESPI         `json:"spi_r"`
	Suite       string         `json:"suite"`
	Age         float64        `json:"age_s"`
	Idle        float64        `json:"idle_s"`               // since the peer was last heard
	RekeyIn     *float64       `json:"rekey_in_s,omitempty"` // nil: it is not replaced by time
	Rekeys      uint64         `json:"rekeys"`
	Retransmits uint64         `json:"retransmits"`
	Children    []ChildSA      `json:"children"`
}

// ChildSA is one pair of ESP SAs that IKE has made. A value.
type ChildSA struct {
	Name     string   `json:"name"`
	State    string   `json:"state"`
	Up       bool     `json:"up"` // it carries traffic both ways and is not replaced
	SPIIn    SPI      `json:"spi_in"`
	SPIOut   SPI      `json:"spi_out"`
	Suite    string   `json:"suite"`
	Lcore    int      `json:"lcore"`
	Fallback bool     `json:"fallback"` // for lcores without an SA of their own (RFC 9611 4)
	Mode     string   `json:"mode"`
	Local    []string `json:"local_ts"`
	Remote   []string `json:"remote_ts"`
	Age      float64  `json:"age_s"`
	RekeyIn  *float64 `json:"rekey_in_s,omitempty"` // nil: it is not replaced by time
	Received Carried  `json:"received"`
	Sent     Carried  `json:"sent"`
}

// Carried is what an SA has carried since it was installed, a millisecond late at most. A value.
type Carried struct {
	Packets uint64 `json:"packets"`
	Octets  uint64 `json:"octets"` // that were encrypted: payload, padding and trailer
}

// StaticSA is one pair of ESP SAs of a [[tunnel]]. A value.
type StaticSA struct {
	Tunnel string `json:"tunnel"`
	Lcore  int    `json:"lcore"`
	SPIIn  SPI    `json:"spi_in"`
	SPIOut SPI    `json:"spi_out"`
	Suite  string `json:"suite"`

	Received Carried `json:"received"`
	Sent     Carried `json:"sent"`
}

// Configured is one connection of the configuration. A value.
type Configured struct {
	Name     string
	Remote   string // where the peer may be
	Children []string
}

// Failure is a negotiation that failed, from the side that knows. A value, comparable.
type Failure struct {
	Time       time.Time `json:"time"`
	Connection string    `json:"connection"` // empty: none fitted
	Remote     string    `json:"remote"`
	Stage      string    `json:"stage"` // the exchange: "IKE_AUTH"
	Notify     string    `json:"notify,omitempty"`
	FromPeer   bool      `json:"from_peer"` // the peer sent Notify; else this end did
	Offered    string    `json:"offered,omitempty"`
	Configured string    `json:"configured,omitempty"`
	Key        string    `json:"key,omitempty"` // of the configuration: the one to change
	Reason     string    `json:"reason"`
}

// String is the failure as one line, without its time and connection.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s with %s failed: %s", f.Stage, f.Remote, f.Reason)
	if f.Notify != "" {
		fmt.Fprintf(&b, "; %s sent %s", sender[f.FromPeer], f.Notify)
	}
	for _, part := range []struct{ name, value string }{{"offered", f.Offered}, {"configured", f.Configured}, {"key to change:", f.Key}} {
		if part.value != "" {
			fmt.Fprintf(&b, "; %s %s", part.name, part.value)
		}
	}
	return b.String()
}

// sender is who sent a notify, by Failure.FromPeer.
var sender = map[bool]string{true: "the peer", false: "this end"}

// Status is the counters of an appliance, each in whatever form encoding/json can write.
type Status struct {
	Ports, Lcores, Drops any
}
