package config

import (
	"net/netip"
	"time"

	"stillwater/crypto/suite"
)

// Admin is the table [admin]: how the operator talks to a running appliance.
type Admin struct {
	Socket string // path of a unix socket for its owner alone; empty: none
}

// IKE is the table [ike]: what all connections share.
type IKE struct {
	HalfOpenCookies   int // half-open IKE SAs from which initiators must return a cookie (RFC 7296 2.6); 0: always
	HalfOpenPerSource int // half-open IKE SAs of one address beyond which its requests are dropped
	HalfOpenTotal     int // half-open IKE SAs of all addresses beyond which requests are dropped
	Workers           int // goroutines for public-key work; 0: as many as the machine allows
}

// Connection is one [[connection]]: an IKE SA to be, with its children. Words and defaults are strongSwan's where the thing
// is the same.
type Connection struct {
	Name   string
	Local  netip.Addr  // outer source: an address of Port
	Port   int         // index into Config.Ports of the outside port that owns Local
	Remote []AddrRange // where the peer may be, never empty, all of the family of Local
	Encap  UDPEncap

	LocalID    string // strongSwan's spelling of identities; for package ike/auth to read
	RemoteID   string // the same, or a pattern
	LocalAuth  AuthMethod
	RemoteAuth AuthMethod
	PSK        Key       // with AuthPSK on either side
	CertFile   string    // with LocalAuth AuthPubkey: our certificate, and what leads from it to the peer's trust anchor
	KeyFile    string    // its private key, for its owner alone
	CAFiles    []string  // with RemoteAuth AuthPubkey: trust anchors
	CRLFiles   []string  // revocation lists
	CRL        CRLPolicy // what without a list
	Signatures []string  // what we sign with and accept, in order of preference; empty: what package crypto/sign prefers

	Proposals      []suite.IKEProposal // never empty
	Unique         Unique
	Childless      Childless
	StartAction    Start
	CloseAction    Start // when the peer closes a child that we need; after a dead peer StartAction counts
	IPTFS          IPTFS // as written; what counts is ConnectionChild.IPTFS
	PerResourceSAs int   // SAs for lcores beside the fallback SA (RFC 9611): PerResourceAuto, 0 for none, or how many at most

	FragmentSize      int           // IP datagrams of a fragmented IKE message, octets (RFC 7383)
	RekeyTime         time.Duration // of the IKE SA; 0: never
	OverTime          time.Duration // an IKE SA older than RekeyTime by this much is closed
	RekeyJitter       int           // the actual time of a rekey is drawn earlier by up to so many percent
	DPDDelay          time.Duration // silence before a liveness check; 0: none
	RetransmitTimeout time.Duration // wait before the first retransmission
	RetransmitTries   int           // retransmissions before the peer is dead

	Children []ConnectionChild // never empty
}

// PerResourceAuto in Connection.PerResourceSAs: one for each lcore. The SAs of a constant child share its rate, so that there
// auto is the fewest that carry it.
const PerResourceAuto = -1

// Peer returns the one address that the peer has; false where it may have others, so that only the peer can begin.
func (c *Connection) Peer() (netip.Addr, bool) {
	if len(c.Remote) != 1 || c.Remote[0].First != c.Remote[0].Last {
		return netip.Addr{}, false
	}
	return c.Remote[0].First, true
}

// Accepts reports whether the peer may be at an address.
func (c *Connection) Accepts(a netip.Addr) bool {
	for _, r := range c.Remote {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

// ConnectionChild is one [[connection.child]]: what its Child SAs have in common.
type ConnectionChild struct {
	Name   string
	Policy int // index into Config.Policies: the traffic selectors that it proposes
	Traffic
	IPTFS     IPTFS               // what to negotiate: IPTFSOff in mode "tunnel", IPTFSRequire in mode "constant"
	Proposals []suite.ESPProposal // never empty
	Rekey     ChildLifetime
}

// ChildLifetime holds the limits of each Child SA; 0 is none (RFC 4301 4.4.2.1). At the first of a pair the SA is replaced, at
// the Hard one it stops.
type ChildLifetime struct {
	Time, HardTime       time.Duration
	Bytes, HardBytes     uint64
	Packets, HardPackets uint64
	Jitter               int // the actual time of a rekey is drawn earlier by up to so many percent
}
