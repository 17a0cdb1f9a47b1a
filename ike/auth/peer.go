package auth

import (
	"net/netip"

	"stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// Peer is an entry of the peer authorization database (RFC 4301 4.4.3, SPD-080): who may come, how they prove it, and what
// they may then claim. Immutable once in use, safe for concurrent use.
type Peer struct {
	Name      string         // of the connection, for errors
	ID        Pattern        // who may come
	Method    Method         // how they prove it; no other way is taken (HAZ-32)
	PSK       []byte         // secret, for method PSK
	Trust     *Trust         // for method Pubkey
	Addresses []netip.Prefix // what traffic selectors of theirs may cover; nil: no limit beside the policy's
}

// Check reports, at load, an entry that could never be satisfied or would admit too much: no secret or trust, nobody, a key ID
// with certificates, or everybody on the strength of one shared secret.
func (p *Peer) Check() error {
	reason := ""
	switch {
	case p.ID.kind == matchNothing:
		reason = "no remote identity"
	case p.Method == PSK && len(p.PSK) == 0:
		reason = "no shared secret"
	case p.Method == PSK && p.ID.IsAny():
		reason = "remote identity %any needs certificates, not a shared secret"
	case p.Method == Pubkey && p.Trust == nil:
		reason = "no certification authority"
	case p.Method == Pubkey && p.ID.kind == matchExact && p.ID.id.Type == wire.IDKeyID:
		reason = "remote identity is a key ID, which no certificate proves"
	case p.Method != PSK && p.Method != Pubkey:
		reason = "no authentication method"
	default:
		return nil
	}
	return &Error{Stage: StageConfig, Reason: reason, Detail: p.Name}
}

// Accepts reports whether an identity that is claimed, and not proven, is one the entry admits: to choose the entry by.
func (p *Peer) Accepts(id Identity) bool { return p.ID.Match(id) }

// MayClaim reports whether the peer may speak for every address from first to last, ends included (RFC 4301 4.4.3.4).
func (p *Peer) MayClaim(first, last netip.Addr) bool {
	if p.Addresses == nil {
		return true
	}
	if !first.IsValid() || !last.IsValid() || first.BitLen() != last.BitLen() || last.Less(first) {
		return false
	}
	for range len(p.Addresses) {
		end, ok := p.reach(first)
		if !ok || !end.Less(last) {
			return ok
		}
		first = end.Next()
	}
	return false
}

// reach is the last address of the largest prefix around addr.
func (p *Peer) reach(addr netip.Addr) (end netip.Addr, ok bool) {
	for _, prefix := range p.Addresses {
		if !prefix.Contains(addr) {
			continue
		}
		if last := lastOf(prefix); !ok || end.Less(last) {
			end, ok = last, true
		}
	}
	return end, ok
}

// lastOf is the highest address of a prefix.
func lastOf(prefix netip.Prefix) netip.Addr {
	octets := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < prefix.Addr().BitLen(); bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(octets)
	return addr
}

// Announce is what the peer may prove itself with, for our SUPPORTED_AUTH_METHODS (RFC 9593): every signature scheme with any
// of the authorities, or the shared secret.
func (p *Peer) Announce() []Announcement {
	if p.Method == PSK {
		return []Announcement{{Method: wire.AuthPSK}}
	}
	var list []Announcement
	for _, s := range sign.Schemes() {
		list = append(list, Announcement{Method: wire.AuthSignature, Algorithm: s.AlgorithmIdentifier()})
	}
	return list
}
