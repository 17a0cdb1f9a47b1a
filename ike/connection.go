package ike

import (
	"net/netip"
	"time"

	"stillwater/crypto/suite"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// Connection is one configured peer, or a group of peers that share a configuration. Immutable once given to an Engine.
type Connection struct {
	Name   string
	Local  netip.Addr     // own address; the zero Addr: any, for connections that only answer
	Remote []netip.Prefix // where the peer may be; empty: anywhere
	// Peer is the address to initiate to; the zero Addr: this end only answers.
	Peer netip.Addr

	Self *auth.Local // who we are and how we prove it
	Them *auth.Peer  // PAD entry: who they may be, how they prove it, which addresses they may claim (RFC 4301 4.4.3)

	Proposals []suite.IKEProposal
	Children  []*Child

	ForceEncap   bool          // ESP in UDP even where no NAT is found (IKE-167)
	FragmentSize int           // largest IP datagram of an IKE message, octets (RFC 7383 2.5.1); 0: fragmentation is not offered
	RekeyTime    time.Duration // of the IKE SA; 0: never
	RekeyJitter  int           // percent of a lifetime by which it is shortened at random, at most
	OverTime     time.Duration // after RekeyTime, when an SA that could not be rekeyed is closed
	DPDDelay     time.Duration // silence after which the peer is asked whether it lives; 0: never
	Retransmit   Retransmit
	Start        StartAction
	Restart      bool // bring the connection up again when the peer closed it or died
	Unique       Unique
	Childless    Childless
	// Resources is how many Child SAs with equal selectors this end wants beside the fallback SA (RFC 9611), normally one
	// for each lcore; 0: none, and a peer that asks gets no more than a fallback SA's worth (LIM-12).
	Resources int
}

// Child is one configured Child SA of a connection, in every SA pair that is made of it.
type Child struct {
	Name      string
	Local     []wire.Selector // traffic selectors of this side
	Remote    []wire.Selector // of the peer's
	Proposals []suite.ESPProposal
	Mode      Mode
	// DontFragment tells the peer not to spread inner packets over several outer ones (RFC 9347 6.1.4, D).
	DontFragment bool
	IPTFS        IPTFS         // what counts for this child: a constant one requires it, a plain tunnel is without
	RekeyTime    time.Duration // 0: never by time; octets, packets and sequence numbers are the data plane's soft limits
	RekeyJitter  int
	OverTime     time.Duration
	// UpFront makes all SAs of a bundle at once and never on behalf of a packet: constant mode (DESIGN.md 8). The number
	// counts all of them, the fallback SA too; 0: on demand.
	UpFront int
	Ref     any // the caller's own, untouched
}

// Mode says how inner packets travel.
type Mode uint8

// The modes.
const (
	ModeAggfrag Mode = iota // RFC 9347, subject to Connection.IPTFS
	ModeTunnel
)

// StartAction says when a connection comes up.
type StartAction uint8

// The start actions.
const (
	StartNone StartAction = iota // when the peer or an operator asks
	StartTrap                    // when a packet needs it
	StartNow                     // at once, and again after failures, with back-off
)

// Unique says what a second IKE SA with the same authenticated peer does to the first.
type Unique uint8

// The policies.
const (
	UniqueReplace Unique = iota // the newer one stays
	UniqueKeep                  // the older one stays, the newer is refused
	UniqueNever                 // both stay; INITIAL_CONTACT still clears
)

// Childless says how IKE SAs without a Child SA are treated (RFC 6023).
type Childless uint8

// The policies.
const (
	ChildlessAllow Childless = iota // announced and accepted
	ChildlessNever                  // not announced
	ChildlessForce                  // initiated that way
)

// IPTFS is the policy about USE_AGGFRAG (RFC 9347 5.1).
type IPTFS uint8

// The policies.
const (
	IPTFSPrefer  IPTFS = iota // ask and accept; plain tunnel mode otherwise, with an event that says so
	IPTFSRequire              // a Child SA without it is refused or deleted
	IPTFSOff
)

// Retransmit is the schedule of RFC 7296 2.1: First after sending, each wait Factor times the last and never above Cap, Tries
// retransmissions in all (LIM-16).
type Retransmit struct {
	First, Cap time.Duration
	Factor     float64
	Tries      int
	InitTries  int // the same for IKE_SA_INIT
}

// DefaultRetransmit is what a zero Retransmit means: 2 s, 1.8, at most 60 s apart, 202 s in all; 24 s for IKE_SA_INIT.
var DefaultRetransmit = Retransmit{First: 2 * time.Second, Cap: time.Minute, Factor: 1.8, Tries: 7, InitTries: 3}
