// Package spd decides what happens to a packet: the Security Policy Database of RFC 4301 section 4.4.1 (DB), the selector
// check of one SA (Selectors), the forwarding table (Routes), and the reading of inner headers that all of them need
// (ParseInner).
//
// Everything here is an immutable generation: control builds a new one and swaps a pointer, lcores only read. Lookups
// allocate nothing, take no lock and call nothing through an interface.
//
// Not here, on purpose: fragment reassembly and stateful fragment checking (RFC 4301 7.4), the SAD, and ICMP errors with
// their quoted packets (RFC 4301 6.2).
package spd
