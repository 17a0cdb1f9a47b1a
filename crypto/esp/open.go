package esp

import (
	"encoding/binary"

	"stillwater/crypto/aead"
	"stillwater/pmd/mbuf"
)

// Open turns ESP packets into payloads in place. Of each mbuf SA is the slot, TOS is the outer DS/ECN octet and the data
// begins at the ESP header; outer headers are already cut. Of those in the prefix it returns, in order, the data is the
// payload without padding and trailer, NextHeader is set and Seq is the full sequence number. The others get
//
//	UnknownSPI       the slot is empty or holds another SA
//	LifetimeExpired  a hard limit was reached
//	TooShort         no whole packet of the SA's suite
//	SeqInvalid       sequence number 0, or one that cannot exist
//	TooOld, Replayed left of the replay window, or received before
//	AuthFailed       the integrity check failed
//	BadPadding       Pad Length is more than there is
//	BadNextHeader    neither what the SA's mode carries nor a dummy packet
//	Dummy            a dummy packet; they advance the replay window (RFC 4303 2.6)
//
// and on plain tunnel SAs BadVersion, Malformed (the inner packet does not fit its payload) or ECNDropped. On AGGFRAG SAs
// dummy packets go on with NextHeader 59, because their sequence number matters for the order of what follows.
//
// Padding other than 1, 2, 3, ... is counted, not refused: the packet is authentic, and RFC 4303 2.4 asks for inspection
// only as a help against what authentication excludes.
func (i *Inbound) Open(ms mbuf.Burst) int {
	if len(ms) > len(i.descs) {
		i.grow(len(ms))
	}
	k := 0
	for _, m := range ms {
		m.Verdict = i.admit(m, &i.descs[k])
		if m.Verdict == mbuf.Pass {
			k++
		}
	}
	ms = ms[:ms.Keep(i.scratch)]
	i.engine.Open(i.descs[:k])
	for k, m := range ms {
		m.Verdict = i.deliver(m, i.descs[k].Status)
	}
	return ms.Keep(i.scratch)
}

// grow makes room for bursts longer than any before: it allocates, once per size.
func (i *Inbound) grow(n int) {
	i.descs = make([]aead.Desc, n)
	i.scratch = make(mbuf.Burst, n)
}

// admit does everything that comes before the integrity check: it changes nothing but counters.
func (i *Inbound) admit(m *mbuf.Mbuf, d *aead.Desc) mbuf.Verdict {
	if uint64(m.SA) >= uint64(len(i.sas)) {
		return mbuf.UnknownSPI
	}
	sa := &i.sas[m.SA]
	if sa.refuse != mbuf.Pass {
		return sa.refuse
	}
	p := m.Data()
	text := len(p) - headerLen - int(sa.ivLen) - int(sa.icvLen)
	if text < trailerLen || text&int(sa.blockMask) != 0 {
		return mbuf.TooShort
	}
	if binary.BigEndian.Uint32(p) != sa.spi {
		return mbuf.UnknownSPI
	}
	seq, ok := sa.window.Extend(binary.BigEndian.Uint32(p[4:]))
	if !ok {
		return mbuf.SeqInvalid
	}
	if v := sa.window.Check(seq); v != mbuf.Pass {
		sa.replayed++
		return v
	}
	m.Seq = seq
	iv := seq // RFC 8750 4: the IV is the sequence number
	if sa.ivLen == 8 {
		iv = binary.BigEndian.Uint64(p[headerLen:])
	}
	d.Addr = m.Addr() + headerLen + uintptr(sa.ivLen) - uintptr(sa.textIV)
	d.Len = uint32(text) + uint32(sa.textIV)
	d.Slot = m.SA
	describe(d, sa.spi, seq, sa.salt, iv, sa.aadLen, sa.highFirst)
	return mbuf.Pass
}

// deliver does everything that comes after the integrity check: the replay window moves first, whatever the packet turns
// out to carry.
func (i *Inbound) deliver(m *mbuf.Mbuf, status aead.Status) mbuf.Verdict {
	sa := &i.sas[m.SA]
	if status != aead.OK {
		sa.authFailed++
		sa.authRun++
		return mbuf.AuthFailed
	}
	sa.authRun = 0
	if !sa.window.Commit(m.Seq) { // an earlier packet of the burst had the number, or moved the window beyond it
		sa.replayed++
		return sa.window.Check(m.Seq)
	}
	i.count(m.SA, sa, uint64(m.Len()-headerLen-int(sa.ivLen)-int(sa.icvLen)))
	if !sa.strip(m) {
		return mbuf.BadPadding
	}
	if sa.mode == ModeTunnel {
		return sa.tunnelPayload(m)
	}
	if m.NextHeader == nextAGGFRAG || m.NextHeader == nextNone {
		return mbuf.Pass
	}
	return mbuf.BadNextHeader
}

// count adds a packet with octets of text to the SA's counters and looks at its limits when one is reached.
func (i *Inbound) count(slot uint32, sa *inSA, octets uint64) {
	sa.last = i.now
	sa.packets++
	sa.octets += octets
	if sa.packets >= sa.watch.Packets || sa.octets >= sa.watch.Octets || sa.window.top >= sa.watch.Seq {
		i.events.push(slot, sa.spi, sa.life.reach(sa.usage()))
		sa.refuse = sa.life.verdict()
		sa.watch = sa.life.next(sa.usage())
	}
}

// strip cuts ESP header, IV, padding, trailer and ICV from m and sets its NextHeader; false where Pad Length is more than
// there is.
func (sa *inSA) strip(m *mbuf.Mbuf) bool {
	m.Adj(headerLen + int(sa.ivLen))
	p := m.Data()
	p = p[:len(p)-int(sa.icvLen)-trailerLen] // admit has seen that there is a trailer
	trailer := p[len(p) : len(p)+trailerLen]
	n := len(p) - int(trailer[0])
	if n < 0 {
		return false
	}
	for k, v := range p[n:] {
		if v != uint8(k+1) {
			sa.oddPadding++
			break
		}
	}
	m.NextHeader = trailer[1]
	return m.SetLen(n)
}
