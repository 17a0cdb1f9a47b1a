package esp

import (
	"encoding/binary"

	"stillwater/crypto/aead"
	"stillwater/pmd/mbuf"
)

// padding is the default contents of the Padding field: 1, 2, 3, ... (RFC 4303 2.4). Aligning takes 15 octets at most.
var padding = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// Seal turns payloads into outer packets in place. Of each mbuf SA is the slot, NextHeader is set (4, 41, 144, or 59 for
// a dummy packet) and the data is the payload. Of those in the prefix it returns, in order, the data begins at the outer IP
// header and Seq is the sequence number. The others get
//
//	NoSA             the slot is empty
//	SeqExhausted     the last sequence number was sent (RFC 4303 3.3.3)
//	LifetimeExpired  a hard limit was reached
//	TooBig           no length field or no room in the buffer for it
//	Malformed        shorter than the inner header the outer one takes bits from
//
// and use no sequence number: there are no gaps on the wire (RFC 9347 2.2.3).
func (o *Outbound) Seal(ms mbuf.Burst) int {
	if len(ms) > len(o.descs) {
		o.grow(len(ms))
	}
	k := 0
	o.work = 0
	for i := 0; i < len(ms); {
		j, slot := i+1, ms[i].SA
		for j < len(ms) && ms[j].SA == slot {
			j++
		}
		k += o.frameRun(slot, ms[i:j], o.descs[k:])
		i = j
	}
	if k < len(ms) {
		ms.Keep(o.scratch)
	}
	o.engine.Seal(o.descs[:k])
	return o.finish(ms[:k])
}

// grow makes room for bursts longer than any before: it allocates, once per size.
func (o *Outbound) grow(n int) {
	o.descs = make([]aead.Desc, n)
	o.scratch = make(mbuf.Burst, n)
}

// frameRun frames packets of one SA, sets their verdicts and returns how many descriptors it has filled in.
func (o *Outbound) frameRun(slot uint32, ms mbuf.Burst, ds []aead.Desc) (k int) {
	if uint64(slot) >= uint64(len(o.sas)) {
		refuseAll(ms, mbuf.NoSA)
		return 0
	}
	sa := &o.sas[slot]
	o.work |= sa.outer.flags
	for i, m := range ms {
		if sa.refuse != mbuf.Pass { // from the start, or since the packet before reached a limit
			refuseAll(ms[i:], sa.refuse)
			break
		}
		if m.Verdict = o.frame(m, sa, &ds[k]); m.Verdict != mbuf.Pass {
			continue
		}
		if ds[k].Slot = slot; sa.seq >= sa.watchSeq || sa.octets >= sa.watchOctets {
			o.limitReached(slot, sa)
		}
		k++
	}
	return k
}

func refuseAll(ms mbuf.Burst, v mbuf.Verdict) {
	for _, m := range ms {
		m.Verdict = v
	}
}

// frame builds the packet around the payload of m, in the order: padding, trailer and room for the ICV behind it; the
// headers in front of it; the descriptor. It takes a sequence number only when nothing can go wrong any more.
func (o *Outbound) frame(m *mbuf.Mbuf, sa *outSA, d *aead.Desc) mbuf.Verdict {
	tos, frag := sa.outer.tos, sa.outer.frag
	if sa.outer.flags&outerInherit != 0 {
		var v mbuf.Verdict
		if tos, frag, v = sa.outer.inherit(m); v != mbuf.Pass {
			return v
		}
	}
	text, ok := sa.trailer(m)
	if !ok {
		return mbuf.TooBig
	}
	seq := sa.seq + 1
	sa.seq = seq
	sa.octets += uint64(text)
	m.Seq = seq
	iv := sa.ivBase + seq
	o.headers(m, sa, seq, iv, tos, frag)
	d.Addr = m.Addr() + uintptr(sa.prefix) - uintptr(sa.textIV)
	d.Len = text + uint32(sa.textIV)
	describe(d, sa.spi, seq, sa.salt, iv, sa.aadLen, sa.highFirst)
	return mbuf.Pass
}

// headers prepends outer header, ESP header and IV; trailer has seen that there is headroom.
func (o *Outbound) headers(m *mbuf.Mbuf, sa *outSA, seq, iv uint64, tos uint8, frag uint16) {
	b := m.Prepend(int(sa.prefix))
	if sa.outer.family == family4 { // what most tunnels are, spared the look-up
		sa.outer.write4(b, uint32(m.Len()), seq, tos, frag)
	} else {
		sa.outer.write(b, uint32(m.Len()), seq, tos, frag)
	}
	b = b[sa.outer.len:]
	binary.BigEndian.PutUint64(b, uint64(sa.spi)<<32|seq&0xffffffff)
	switch sa.ivLen {
	case 8: // RFC 4106 3.1: a counter
		binary.BigEndian.PutUint64(b[headerLen:], iv)
	case 16:
		o.randomIV(b[headerLen:])
	}
}

// describe fills in what the back-end authenticates and encrypts under: AAD, nonce and status.
func describe(d *aead.Desc, spi uint32, seq uint64, salt uint32, iv uint64, aadLen uint8, highFirst bool) {
	first, second := uint32(seq), uint32(seq>>32)
	if highFirst {
		first, second = second, first
	}
	binary.BigEndian.PutUint64(d.AAD[:], uint64(spi)<<32|uint64(first))
	binary.BigEndian.PutUint32(d.AAD[8:], second)
	binary.BigEndian.PutUint32(d.Nonce[:], salt)
	binary.BigEndian.PutUint64(d.Nonce[4:], iv)
	d.AADLen = aadLen
	d.Status = aead.OK
}

// trailer appends TFC padding, padding, Pad Length, Next Header and the ICV's room to m and returns how many octets of
// payload, padding and trailer there are now; false, and nothing changed, where the packet would be too large for its
// length field or its buffer, the headers that are still to come included.
func (sa *outSA) trailer(m *mbuf.Mbuf) (text uint32, ok bool) {
	n := uint32(m.Len())
	if n > uint32(sa.maxPayload) || m.HeadroomLen() < int(sa.prefix) {
		return 0, false
	}
	fill := uint32(0)
	if sa.tfcBucket != 0 && m.NextHeader != nextAGGFRAG { // an AGGFRAG payload has no length of its own to cut at
		fill = sa.tfcFill(n)
	}
	pad := -(n + fill + trailerLen) & uint32(sa.padMask)
	b := m.Append(int(fill + pad + trailerLen + uint32(sa.icvLen)))
	if b == nil {
		return 0, false
	}
	if fill != 0 {
		clear(b[:fill])
		b = b[fill:]
	}
	*(*[16]byte)(b) = padding // spills into the trailer and the ICV, both written after it and at least 16 octets
	b[pad] = uint8(pad)
	b[pad+1] = m.NextHeader
	return n + fill + pad + trailerLen, true
}

// tfcFill returns the octets of TFC padding behind a payload of n octets (RFC 4303 2.7).
func (sa *outSA) tfcFill(n uint32) uint32 {
	bucket := uint32(sa.tfcBucket)
	target := min((max(n, 1)+bucket-1)/bucket*bucket, uint32(sa.tfcMax))
	if target < n {
		return 0
	}
	return target - n
}

// randomIV writes the IV of a CBC packet.
func (o *Outbound) randomIV(b []byte) {
	binary.LittleEndian.PutUint64(b, o.ivs.Uint64())
	binary.LittleEndian.PutUint64(b[8:], o.ivs.Uint64())
}

// limitReached is the slow path of frame: it tells control and closes the SA where the limit is a hard one.
func (o *Outbound) limitReached(slot uint32, sa *outSA) {
	o.events.push(slot, sa.spi, sa.life.reach(sa.usage()))
	sa.refuse = sa.life.verdict()
	sa.watch()
}

// finish does what some packets need after sealing: it computes UDP checksums over what is now ciphertext, and holds back
// packets the back-end could not seal because their key is not there: the builder and the lcore disagree about the slot.
func (o *Outbound) finish(ms mbuf.Burst) int {
	status := aead.OK
	for i := range ms {
		status |= o.descs[i].Status
	}
	if status == aead.OK && o.work&outerChecksum == 0 {
		return len(ms)
	}
	for i, m := range ms {
		if o.descs[i].Status != aead.OK {
			m.Verdict = mbuf.NoSA
		} else if o.sas[m.SA].outer.flags&outerChecksum != 0 {
			ip := m.Data()
			binary.BigEndian.PutUint16(ip[ipv6Len+6:], udpChecksum6(ip))
		}
	}
	return ms.Keep(o.scratch)
}
