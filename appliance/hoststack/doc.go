// Package hoststack answers for the appliance's own addresses: ARP, Neighbour Discovery, ICMP echo, UDP 500 and 4500, and TCP,
// on gVisor's netstack, so that no driver needs a kernel address. It runs off the lcores:
//
//	lcore --punt ring--> Receive --> netstack --> handlers of ListenUDP (IKE)
//	lcore <--inject ring-- Injector <-- Config.Send (frames) and Config.Forward (packets) <-- netstack
//
// Every interface of the appliance is a NIC of the stack, and there is one more, the inner one, that has all addresses and no
// link: a packet that came out of a tunnel, or for the address of another port, arrives there, and what answers it leaves by
// Config.Forward, where the data plane's policy decides. The stack itself is a strong host and forwards nothing, so an answer
// to a tunnel's packet can never leave in the clear.
//
// Beside the stack stand the pure parts that control needs for packets the lcores could not handle: ICMP errors
// (TimeExceeded, TooBig) with their Limiter, and the bounded Reassembler of outer fragments.
//
// What it deliberately does not do: no autoconfiguration (Router Advertisements are ignored, addresses are the operator's),
// no duplicate address detection (an address would be unusable for a second after every start), no VRF but 0, no VLAN tags.
package hoststack
