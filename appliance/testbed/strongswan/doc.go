// Package strongswan holds the live tests against foreign IKE daemons: one appliance, started from a configuration file's text
// as an operator would, between a host and a peer. It has no code of its own beside the tests.
//
//	namespace   host             gateway             outside
//	interface   eth0 --- veth --- lan  wan --- veth --- out        (with a NAT: one more namespace between the two)
//	            sockets         [ appliance ]          peer
//
// The peer is strongSwan 5.9.8 in the namespace "outside" (Debian 12's packages, ESP in user space, always in UDP), or
// strongSwan 6.1 or libreswan 5.2 on a User Mode Linux kernel with IP-TFS whose network card is the interface "out".
//
// Every case looks at three things: what the peer's own log and status say, what ours say, and that data gets through in
// both directions, octet for octet.
package strongswan
