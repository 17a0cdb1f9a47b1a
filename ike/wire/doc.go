// Package wire is the codec of IKEv2 messages: RFC 7296 section 3 and the payloads that later documents added.
//
// One payload per file: its type, a parse function over the octets behind the generic payload header, and AppendBody, the
// reverse. A message is parsed in two steps, and no octet of the second is looked at before the first has succeeded:
//
//  1. the chain: every generic header, every length, how many payloads there are, and that an Encrypted payload is last
//  2. the bodies, payload by payload
//
// What the package decides is syntax: lengths, counts, ranges, and rules that one payload can break on its own. What
// depends on the exchange, the direction or the state of an SA is the engine's: which payloads must be there, whether a
// proposal is acceptable, whether an SPI exists. Parsers have no state and take no action. Memory is bounded by Limits and
// by the length of the input: no count is believed before the octets it promises have been seen.
//
// Decoded slices alias the input and have no spare capacity, so that appending to one cannot write into a message. RESERVED
// fields are ignored on receipt and sent as zero (RFC 7296 3.2); so is the critical bit of a payload that is known here.
//
// The package knows no keys: an Encrypted payload is handed out as it lies, and ParsePayloads reads what was in it.
package wire
