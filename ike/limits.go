package ike

import "time"

// Limits bounds what peers can make an engine do and remember. Immutable value.
type Limits struct {
	CookiesAt       int           // half-open IKE SAs of all peers together from which cookies are asked for (LIM-07)
	CookiesAtPeer   int           // the same for one address (IPv6: /64)
	HalfOpenPeer    int           // half-open IKE SAs of one address; more are dropped
	HalfOpen        int           // half-open IKE SAs in all; more are dropped
	HalfOpenTime    time.Duration // how long an IKE SA may stay half-open
	CookieRounds    int           // cookies that this end returns for one IKE SA (LIM-08)
	MethodRounds    int           // other key exchange methods that it tries on request (LIM-08)
	Fragments       int           // of one message (LIM-05)
	Reassembled     int           // octets of a fragmented message (LIM-01)
	ReassembledInit int           // the same before the peer is authenticated
	ReassemblyTime  time.Duration
	Unprotected     int // unprotected answers per second in all, one per second and peer (LIM-14)
	Children        int // Child SAs of one IKE SA; 0: 4 for each lcore and 8 (LIM-12)
}

// DefaultLimits are the values of spec/ike.md 8.1.
var DefaultLimits = Limits{
	CookiesAt:       30,
	CookiesAtPeer:   3,
	HalfOpenPeer:    5,
	HalfOpen:        4096,
	HalfOpenTime:    30 * time.Second,
	CookieRounds:    3,
	MethodRounds:    2,
	Fragments:       64,
	Reassembled:     64 << 10,
	ReassembledInit: 16 << 10,
	ReassemblyTime:  15 * time.Second,
	Unprotected:     10,
}

// orDefault replaces a zero Limits.
func (l Limits) orDefault() Limits {
	if l == (Limits{}) {
		return DefaultLimits
	}
	return l
}
