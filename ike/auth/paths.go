package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"sync"
	"time"
)

// maxPaths bounds the paths that are remembered: about 4 KiB each.
const maxPaths = 1024

// paths remembers which chains led to an authority, so that a peer who comes back costs no signatures again. What can change
// with time is not remembered: validity and revocation are looked at each time. Only chains that were believed are in it, so
// strangers cannot fill it. Safe for concurrent use.
type paths struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte][]*x509.Certificate
}

// chainDigest names a chain, the octets of every certificate in order.
func chainDigest(chain [][]byte) (d [sha256.Size]byte) {
	h := sha256.New()
	for _, der := range chain {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(der)))) // where one ends is part of the name
		h.Write(der)
	}
	return [sha256.Size]byte(h.Sum(d[:0]))
}

// find is the path of a chain seen before, if all of it is valid at that time.
func (p *paths) find(digest [sha256.Size]byte, now time.Time) []*x509.Certificate {
	p.mu.Lock()
	path := p.known[digest]
	p.mu.Unlock()
	for _, c := range path {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return nil
		}
	}
	return path
}

// keep remembers a path; where there is no room it takes the place of any other.
func (p *paths) keep(digest [sha256.Size]byte, path []*x509.Certificate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[[sha256.Size]byte][]*x509.Certificate)
	}
	for old := range p.known {
		if len(p.known) < maxPaths {
			break
		}
		delete(p.known, old)
	}
	p.known[digest] = path
}
