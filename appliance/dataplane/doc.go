// Package dataplane is the poll-mode packet path: one worker per lcore that carries packets between protected networks and
// the outside through ESP and IP-TFS, and the rings by which control steers it.
//
// A worker owns its queues, its mbuf pool, its SAs with their sequence counters and replay windows, and its counters.
// Workers share one immutable Generation (policy, routes, which lcore owns which SPI) and pass packets on by rings; there
// is no lock anywhere. Commands and acks are fixed-size and pointer-free, with keys by value, so that the data plane can
// become a process of its own; the builder, a goroutine off the lcores, expands keys into free slots.
//
// Deliberately not here: IKE, ARP, ND, ICMP, reassembly of outer fragments. They belong to the host stack and to control,
// behind the punt, inject and event rings.
package dataplane
