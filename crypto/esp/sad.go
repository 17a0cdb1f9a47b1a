package esp

import (
	"fmt"

	"stillwater/pmd/mbuf"
)

// Bounds of the SPIs we allocate ourselves. RFC 9333 forbids 0 to 255; the top bit stays 0 so that EESP can share the UDP
// port (draft-ietf-ipsecme-eesp section 6).
const (
	MinSPI = 256
	maxSPI = 1<<31 - 1
)

// SADError says why an SPI could not be entered into a SAD.
type SADError struct {
	SPI  uint32
	Want string // what was expected: "an SPI not in the table"
}

// Error implements error.
func (e *SADError) Error() string {
	return fmt.Sprintf("sad: insert spi %#08x: want %s", e.SPI, e.Want)
}

// SAD maps inbound SPIs to slots of the lcore's SA table: unicast SAs are found by SPI alone (RFC 4303 2.1). An
// open-addressing table at most half full, with backward-shift deletion, so that a miss costs about as little as a hit
// however long the table has lived. Owned by one lcore.
type SAD struct {
	entries []sadEntry // a power of two
	shift   uint8      // 32 - log2(len(entries))
	used    int
	limit   int
	scratch mbuf.Burst
}

// sadEntry is one entry; spi 0 is never on the wire and marks a free one.
type sadEntry struct{ spi, slot uint32 }

// NewSAD returns a table for up to capacity SPIs. It panics if capacity is not positive.
func NewSAD(capacity int) *SAD {
	if capacity <= 0 {
		panic(fmt.Sprintf("esp: sad of capacity %d: want at least 1", capacity))
	}
	s := &SAD{shift: 31, limit: capacity}
	size := 2
	for size < 2*capacity {
		size *= 2
		s.shift--
	}
	s.entries = make([]sadEntry, size)
	s.scratch = make(mbuf.Burst, mbuf.BurstSize)
	return s
}

// Len returns the number of SPIs in the table.
func (s *SAD) Len() int { return s.used }

// Insert enters spi; a *SADError where it is reserved, already there, or the table is full.
func (s *SAD) Insert(spi, slot uint32) error {
	if spi < MinSPI || spi > maxSPI {
		return &SADError{spi, fmt.Sprintf("%#x to %#x", MinSPI, maxSPI)}
	}
	i, found := s.find(spi)
	if found {
		return &SADError{spi, "an SPI not in the table"}
	}
	if s.used == s.limit {
		return &SADError{spi, fmt.Sprintf("fewer than %d SPIs in the table", s.limit)}
	}
	s.entries[i] = sadEntry{spi, slot}
	s.used++
	return nil
}

// Delete removes spi; false where it is not in the table.
func (s *SAD) Delete(spi uint32) bool {
	hole, found := s.find(spi)
	if !found || spi == 0 {
		return false
	}
	mask := uint32(len(s.entries) - 1)
	for i := (hole + 1) & mask; s.entries[i].spi != 0; i = (i + 1) & mask {
		// An entry may fill the hole unless its home lies behind the hole: it would no longer be reached from there.
		if (i-s.home(s.entries[i].spi))&mask >= (i-hole)&mask {
			s.entries[hole] = s.entries[i]
			hole = i
		}
	}
	s.entries[hole] = sadEntry{}
	s.used--
	return true
}

// Lookup returns the slot of spi.
func (s *SAD) Lookup(spi uint32) (slot uint32, ok bool) {
	i, found := s.find(spi)
	return s.entries[i].slot, found && spi != 0
}

// LookupBurst sets SA of every mbuf from its SPI and returns the prefix that was found, in order. The others get BadSPI
// (0 to 255, RFC 4303 2.1) or UnknownSPI (RFC 4303 3.4.2).
func (s *SAD) LookupBurst(ms mbuf.Burst) int {
	if len(ms) > len(s.scratch) {
		s.scratch = make(mbuf.Burst, len(ms))
	}
	for _, m := range ms {
		i, found := s.find(m.SPI)
		switch {
		case m.SPI < MinSPI:
			m.Verdict = mbuf.BadSPI
		case !found:
			m.Verdict = mbuf.UnknownSPI
		default:
			m.SA = s.entries[i].slot
		}
	}
	return ms.Keep(s.scratch)
}

// find returns the entry of spi, or the free entry where it would go. It ends because the table is never full.
func (s *SAD) find(spi uint32) (i uint32, found bool) {
	mask := uint32(len(s.entries) - 1)
	for i = s.home(spi); ; i = (i + 1) & mask {
		switch s.entries[i].spi {
		case spi:
			return i, true
		case 0:
			return i, false
		}
	}
}

// home is where the search for spi begins. Our SPIs are random in most bits; the multiplication (2^32 over the golden
// ratio) spreads the few that a peer or a test chose in sequence.
func (s *SAD) home(spi uint32) uint32 { return spi * 0x9e3779b1 >> s.shift }
