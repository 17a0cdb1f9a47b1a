// Package veth holds the end-to-end tests on the kernel's own network: two appliances with the afpacket driver between two
// hosts that are network namespaces. It has no code of its own beside the tests.
//
//	namespace   hostA            gwA                  gwB            hostB
//	interface   eth0 --- veth --- lan  wan --- veth --- wan  lan --- veth --- eth0
//	MTU               9000                  1500                  9000
//	            sockets       [ appliance ]        [ appliance ]       sockets
//
// The gateways' interfaces have no kernel addresses and no IPv6, so whatever is on the outside link was put there by an
// appliance. The hosts are plain Linux with static neighbours, because appliances do not answer ARP and neighbour
// discovery here. Traffic is the kernel's: UDP, TCP and ping sockets, with the checksum offload of veth on, so that
// packets reach an appliance with unfinished checksums.
//
// Everything lives as long as the test's own threads: nothing is left behind, not even by a test that is killed.
package veth
