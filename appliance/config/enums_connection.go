package config

// UDPEncap is when a connection carries ESP in UDP.
type UDPEncap uint8

// The choices.
const (
	UDPAuto  UDPEncap = iota // where NAT detection finds one (RFC 7296 2.23)
	UDPForce                 // always
)

// AuthMethod is how one side of a connection proves who it is.
type AuthMethod uint8

// The methods.
const (
	AuthPSK    AuthMethod = iota // shared secret
	AuthPubkey                   // certificate and signature
)

// CRLPolicy is what a certificate without a current revocation list is worth.
type CRLPolicy uint8

// The policies.
const (
	CRLIfPresent CRLPolicy = iota // good, unless a list names it
	CRLStrict                     // nothing
)

// Unique is what happens to an IKE SA when the same peer makes another.
type Unique uint8

// The choices, in strongSwan's words.
const (
	UniqueReplace Unique = iota // the old one is deleted
	UniqueKeep                  // the new one is refused
	UniqueNever                 // both stay, also when the peer says INITIAL_CONTACT
)

// Childless is whether IKE SAs begin without a Child SA (RFC 6023).
type Childless uint8

// The choices.
const (
	ChildlessAllow Childless = iota // when the peer wants it
	ChildlessNever
	ChildlessForce
)

// Start is what begins a child.
type Start uint8

// The ways to begin.
const (
	StartNone Start = iota // the peer, or a command
	StartTrap              // the first packet that matches
	StartNow               // the appliance, at once
)

// IPTFS is what AGGFRAG means to a connection (RFC 9347 5.1).
type IPTFS uint8

// The choices.
const (
	IPTFSPrefer  IPTFS = iota // plain ESP where the peer declines
	IPTFSRequire              // no Child SA without
	IPTFSOff                  // never offered nor accepted
)

// The words of the TOML spelling.
var (
	udpEncapWords  = []string{"auto", "udp"}
	authWords      = []string{"psk", "pubkey"}
	crlWords       = []string{"ifpresent", "strict"}
	uniqueWords    = []string{"replace", "keep", "never"}
	childlessWords = []string{"allow", "never", "force"}
	startWords     = []string{"none", "trap", "start"}
	iptfsWords     = []string{"prefer", "require", "off"}
)

// String returns the TOML spelling.
func (v UDPEncap) String() string { return word(udpEncapWords, uint8(v)) }

// String returns the TOML spelling.
func (v AuthMethod) String() string { return word(authWords, uint8(v)) }

// String returns the TOML spelling.
func (v CRLPolicy) String() string { return word(crlWords, uint8(v)) }

// String returns the TOML spelling.
func (v Unique) String() string { return word(uniqueWords, uint8(v)) }

// String returns the TOML spelling.
func (v Childless) String() string { return word(childlessWords, uint8(v)) }

// String returns the TOML spelling.
func (v Start) String() string { return word(startWords, uint8(v)) }

// String returns the TOML spelling.
func (v IPTFS) String() string { return word(iptfsWords, uint8(v)) }

// MarshalText returns the TOML spelling, for JSON.
func (v UDPEncap) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v AuthMethod) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v CRLPolicy) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Unique) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Childless) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v Start) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText returns the TOML spelling, for JSON.
func (v IPTFS) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
