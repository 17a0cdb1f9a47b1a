package wire

import "encoding/binary"

// Protocol is a security protocol identifier (RFC 7296 3.3.1).
type Protocol uint8

// The protocols.
const (
	ProtoNone Protocol = 0
	ProtoIKE  Protocol = 1
	ProtoAH   Protocol = 2
	ProtoESP  Protocol = 3
)

var protocolNames = [...]string{ProtoNone: "none", ProtoIKE: "IKE", ProtoAH: "AH", ProtoESP: "ESP"}

// String returns "IKE", "AH", "ESP", "none" or "protocol n".
func (p Protocol) String() string { return name(protocolNames[:], int(p), "protocol ") }

// child reports whether SAs of the protocol are Child SAs, with SPIs of 4 octets.
func (p Protocol) child() bool { return p == ProtoAH || p == ProtoESP }

// childSPILen is the length of an SPI of AH and ESP in octets, ikeSPILen that of an IKE SA.
const (
	childSPILen = 4
	ikeSPILen   = 8
)

// proposalLen is the length of the fixed part of a proposal, in octets.
const proposalLen = 8

// Proposal is one alternative of an SA payload (RFC 7296 3.3.1). SPI and Transforms alias what was parsed.
//
// A sole proposal has any number but 0: an answer repeats the number it accepts. That an offer begins with 1 is the
// receiver of a request to check. The SPI of an IKE proposal is empty (initial exchange) or 8 octets (rekeying).
type Proposal struct {
	Number     uint8
	Protocol   Protocol
	SPI        []byte
	Transforms []Transform
}

// parseProposal reads a proposal that fills b. Its transforms are appended to *arena, which has room for them.
func parseProposal(b []byte, arena *[]Transform) (Proposal, *Error) {
	p := Proposal{Number: b[4], Protocol: Protocol(b[5])}
	at := proposalLen + int(b[6])
	p.SPI = octets(b[proposalLen:at])
	if err := checkSPI(p.Protocol, p.SPI); err != nil {
		return Proposal{}, err.at(proposalLen)
	}
	first := len(*arena)
	for range b[7] {
		n, err := substructure(b, at, transformLen, moreTransforms)
		if err != nil {
			return Proposal{}, err
		}
		t, err := parseTransform(b[at : at+n])
		if err != nil {
			return Proposal{}, err.at(at)
		}
		*arena = append(*arena, t)
		at += n
	}
	if at != len(b) {
		return Proposal{}, syntax(7, "expected as many transforms as the proposal holds", int(b[7]))
	}
	p.Transforms = (*arena)[first:len(*arena):len(*arena)]
	return p, nil
}

// checkSPI tests the SPI of a proposal (RFC 7296 3.3.1; RFC 4303 2.1 reserves 1 to 255 and 0). Of a protocol that is not
// known nothing is expected: its proposals are unacceptable, not malformed.
func checkSPI(p Protocol, spi []byte) *Error {
	switch {
	case p.child():
		if len(spi) != childSPILen {
			return syntax(0, "expected an SPI of 4 octets", len(spi))
		}
		if v := binary.BigEndian.Uint32(spi); v < 256 {
			return syntax(0, "expected an SPI of 256 or more", int(v))
		}
	case p == ProtoIKE && len(spi) != 0:
		if len(spi) != ikeSPILen {
			return syntax(0, "expected an SPI of 0 or 8 octets", len(spi))
		}
		if binary.BigEndian.Uint64(spi) == 0 {
			return syntax(0, "expected an SPI other than zero", 0)
		}
	}
	return nil
}

// append appends the proposal; more: another one follows. It returns nil when a count does not fit its octet.
func (p Proposal) append(b []byte, more bool) []byte {
	if len(p.SPI) > 0xff || len(p.Transforms) > 0xff {
		return nil
	}
	at := len(b)
	b = append(b, marker(more, moreProposals), 0, 0, 0, p.Number, byte(p.Protocol), byte(len(p.SPI)), byte(len(p.Transforms)))
	b = append(b, p.SPI...)
	for i, t := range p.Transforms {
		b = t.append(b, i+1 < len(p.Transforms))
	}
	binary.BigEndian.PutUint16(b[at+2:], uint16(len(b)-at))
	return b
}
