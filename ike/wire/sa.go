package wire

import "encoding/binary"

// The Last Substruc octet of every substructure but the last (RFC 7296 3.3.1, 3.3.2); the last one's is 0.
const (
	moreProposals  = 2
	moreTransforms = 3
)

// SA is the Security Association payload (RFC 7296 3.3): alternatives, the most preferred first. Parsed, it has one
// proposal or more, numbered one after the other, each with one transform or more.
type SA struct{ Proposals []Proposal }

// Type returns PayloadSA.
func (SA) Type() PayloadType { return PayloadSA }

// parseSA reads the body of an SA payload.
func parseSA(b []byte, lim *Limits) (SA, *Error) {
	proposals, transforms, err := countSA(b, lim)
	if err != nil {
		return SA{}, err
	}
	sa := SA{Proposals: make([]Proposal, 0, proposals)}
	arena := make([]Transform, 0, transforms)
	for at := 0; at < len(b); {
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		p, err := parseProposal(b[at:at+n], &arena)
		if err != nil {
			return SA{}, err.at(at)
		}
		if err := checkNumber(p.Number, len(sa.Proposals), proposals); err != nil {
			return SA{}, err.at(at)
		}
		sa.Proposals = append(sa.Proposals, p)
		at += n
	}
	return sa, nil
}

// countSA walks the proposals of an SA payload and returns how many there are and how many transforms they promise, once
// the octets for those are known to be there.
func countSA(b []byte, lim *Limits) (proposals, transforms int, _ *Error) {
	for at := 0; at < len(b) || proposals == 0; proposals++ {
		if proposals == lim.Proposals {
			return 0, 0, syntax(at, "expected no more proposals than the limit", lim.Proposals)
		}
		n, err := substructure(b, at, proposalLen, moreProposals)
		if err != nil {
			return 0, 0, err
		}
		spi, num := int(b[at+6]), int(b[at+7])
		if num == 0 || num > lim.Transforms {
			return 0, 0, syntax(at+7, "expected one transform or more, up to the limit", num)
		}
		if proposalLen+spi+num*transformLen > n {
			return 0, 0, syntax(at+2, "expected a proposal length with room for SPI and transforms", n)
		}
		transforms += num
		at += n
	}
	return proposals, transforms, nil
}

// checkNumber tests the number of proposal i of n. RFC 7296 3.3: each is one greater than the one before, the first of
// several is 1. A sole one may repeat the number of the offer it accepts.
func checkNumber(number uint8, i, n int) *Error {
	if n > 1 && int(number) != i+1 || number == 0 {
		return syntax(4, "expected proposals numbered in order from 1", int(number))
	}
	return nil
}

// substructure returns the length of the proposal or transform at b[at:], whose first four octets have one layout: last or
// more, RESERVED, length. It has at least shortest octets, ends in b, and says rightly whether another one follows.
func substructure(b []byte, at, shortest int, more byte) (int, *Error) {
	if len(b)-at < shortest {
		return 0, syntax(at, "expected room for a proposal or transform", len(b)-at)
	}
	n := int(binary.BigEndian.Uint16(b[at+2:]))
	if n < shortest || n > len(b)-at {
		return 0, syntax(at+2, "expected the length of a proposal or transform that ends in what holds it", n)
	}
	if b[at] != marker(at+n < len(b), more) {
		return 0, syntax(at, "expected the mark of the last or of another proposal or transform", int(b[at]))
	}
	return n, nil
}

// marker returns the Last Substruc octet.
func marker(follows bool, more byte) byte {
	if follows {
		return more
	}
	return 0
}

// AppendBody appends the proposals to b; nil when one has more transforms or SPI octets than its fields can say.
func (sa SA) AppendBody(b []byte) []byte {
	for i, p := range sa.Proposals {
		if b = p.append(b, i+1 < len(sa.Proposals)); b == nil {
			return nil
		}
	}
	return b
}
