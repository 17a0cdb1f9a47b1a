// Package esp is RFC 4303 ESP in tunnel form over bursts of mbufs, for one lcore at a time.
//
// Outbound, per burst (Outbound.Seal):
//
//  1. frame: the SA's record by slot, its lifetime, TFC and ESP padding, trailer, sequence number, ESP header, IV,
//     outer IP and UDP header from the SA's template
//  2. one call of the AEAD back-end for the whole burst
//  3. finish: UDP checksum over IPv6, where the SA asks for one
//
// Inbound, per burst (SAD.LookupBurst, then Inbound.Open):
//
//  1. admit: the SA's record by slot, length, high half of the sequence number, replay pre-check
//  2. one call of the AEAD back-end for the whole burst
//  3. deliver: replay commit, padding, Next Header, and for plain tunnel SAs the inner length and ECN
//
// What an SA needs is decided once, when it is installed: suites, address families and options become lengths, masks and
// header templates in a record of three cache lines. The cold Params and the hot records are different types.
//
// The package knows payloads only as octets: which inner packets lie in an AGGFRAG payload, which SA a packet belongs to,
// and whether an inner packet fits the SA's selectors are questions for its callers. Transport mode, fragments as outer
// packets and multicast SAs are deliberately not here.
package esp
