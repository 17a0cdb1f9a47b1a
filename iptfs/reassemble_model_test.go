package iptfs

import (
	"bytes"

	"stillwater/pmd/mbuf"
)

// reasmModel is the receiver of RFC 9347 2.5 and rows TFS-064 to TFS-078 written a second time, slowly and without
// anything of the package but its types: maps for windows, byte slices that grow for packets, lengths read from scratch.
// It covers the in-order mode with a configured lost timer.
type reasmModel struct {
	cfg     ReassemblerConfig
	started bool
	want    uint64
	top     uint64
	waiting map[uint64]reasmEvent
	since   map[uint64]int64

	pending bool
	pend    []byte
	next    uint64
	touched int64

	out   [][]byte
	c     ReassemblerCounters
	drops [mbuf.NumVerdicts]uint64
}

// reasmEvent is one thing that happens to a receiver: a payload arrives, or only time passes.
type reasmEvent struct {
	at         int64
	expire     bool
	seq        uint64
	nextHeader uint8
	data       []byte
}

func newReasmModel(cfg ReassemblerConfig) *reasmModel {
	return &reasmModel{cfg: cfg, waiting: map[uint64]reasmEvent{}, since: map[uint64]int64{}}
}

// step lets e happen and returns the packets it leads to.
func (m *reasmModel) step(e reasmEvent) [][]byte {
	m.out = nil
	if e.expire {
		m.expire(e.at)
	} else {
		m.receive(e)
	}
	return m.out
}

func (m *reasmModel) receive(e reasmEvent) {
	if !m.started && e.seq != 0 {
		m.started, m.want = true, e.seq
		if e.seq <= uint64(m.cfg.Window)+1 {
			m.want = 1
		}
		m.top = m.want
	}
	if e.seq == 0 || e.seq < m.want {
		m.drops[mbuf.AggLate]++
		m.c.Late++
		return
	}
	if _, dup := m.waiting[e.seq]; dup {
		m.drops[mbuf.AggDuplicate]++
		m.c.Duplicate++
		return
	}
	for e.seq-m.want > uint64(m.cfg.Window) {
		m.decide(e.at)
	}
	m.waiting[e.seq] = e
	for q := m.top; q < e.seq; q++ {
		m.since[q] = e.at
	}
	m.top = max(m.top, e.seq+1)
	m.run(e.at)
}

// decide moves one number on, whether it is there or not.
func (m *reasmModel) decide(now int64) {
	e, ok := m.waiting[m.want]
	delete(m.waiting, m.want)
	m.want++
	if ok {
		m.payload(e, now)
	} else {
		m.c.Missed++
	}
}

func (m *reasmModel) run(now int64) {
	for {
		if _, ok := m.waiting[m.want]; !ok {
			return
		}
		m.decide(now)
	}
}

func (m *reasmModel) expire(now int64) {
	if len(m.waiting) == 0 {
		if m.pending && m.touched+m.cfg.LostTimer <= now {
			m.abandon(mbuf.AggIncomplete)
		}
		return
	}
	for len(m.waiting) > 0 && m.since[m.want]+m.cfg.LostTimer <= now {
		m.decide(now)
		m.run(now)
	}
}

func (m *reasmModel) abandon(v mbuf.Verdict) {
	m.pending, m.pend = false, nil
	m.drops[v]++
	m.c.Incomplete++
}

// payload takes the next payload of the in-order stream apart.
func (m *reasmModel) payload(e reasmEvent, now int64) {
	if m.pending && e.seq != m.next {
		m.abandon(mbuf.AggIncomplete)
	}
	m.next, m.touched = e.seq+1, now
	offset, d, v := reasmModelHeader(e)
	m.drops[v]++
	switch v {
	case mbuf.AggConsumed:
	case mbuf.AggAllPad:
		m.c.AllPadPkts++
		m.c.AllPadOctets += uint64(len(d))
		return
	case mbuf.Dummy:
		return
	default:
		m.c.Errored++
		return
	}
	skip := min(offset, len(d))
	packets, damaged := m.c.RxPkts, false
	if m.pending {
		damaged = m.join(d[:skip], offset, len(d))
	}
	joined := m.c.RxPkts - packets
	if m.blocks(d[skip:]) {
		damaged = true
	}
	if damaged {
		m.c.Errored++
	}
	// A payload whose blocks are one whole packet and nothing but padding is handed on itself.
	if m.c.RxPkts-packets-joined == 1 && reasmModelAlone(d[skip:]) {
		m.drops[v]--
	}
}

// join adds head, the octets before offset in a payload of octets data, to the pending packet.
func (m *reasmModel) join(head []byte, offset, octets int) (damaged bool) {
	if offset == 0 {
		m.abandon(mbuf.AggOffset)
		return false
	}
	knew, _ := reasmModelLength(m.pend)
	all := append(bytes.Clone(m.pend), head...)
	total, valid := reasmModelLength(all)
	switch {
	case !valid:
		m.abandon(mbuf.AggInnerLength)
		return true
	case total == 0 && offset <= octets, total != 0 && len(m.pend)+offset != total:
		m.abandon(mbuf.AggOffset)
	case knew == 0 && total > m.cfg.MaxInner:
		m.pending = false
		m.drops[mbuf.AggTooBig]++
	case len(all) == total:
		m.pending = false
		m.deliver(all)
	default:
		m.pend = all
	}
	return false
}

// blocks takes the blocks in d, from one's first octet on.
func (m *reasmModel) blocks(d []byte) (damaged bool) {
	for len(d) > 0 {
		if d[0] < 0x10 {
			m.c.ExtraPadPkts++
			m.c.ExtraPadOctets += uint64(len(d))
			return false
		}
		total, valid := reasmModelLength(d)
		switch {
		case !valid && d[0]>>4 != 4:
			m.drops[mbuf.AggBlockType]++
			return true
		case !valid:
			m.drops[mbuf.AggInnerLength]++
			return true
		case total == 0 || total > len(d):
			m.fragment(d, total)
			return false
		case total > m.cfg.MaxInner:
			m.drops[mbuf.AggTooBig]++
		default:
			m.deliver(d[:total])
		}
		d = d[total:]
	}
	return false
}

func (m *reasmModel) fragment(d []byte, total int) {
	switch {
	case m.cfg.NoFragments:
		m.drops[mbuf.AggFragment]++
	case total > m.cfg.MaxInner:
		m.drops[mbuf.AggTooBig]++
	default:
		m.pending, m.pend = true, bytes.Clone(d)
	}
}

func (m *reasmModel) deliver(p []byte) {
	m.out = append(m.out, bytes.Clone(p))
	m.c.RxPkts++
	m.c.RxOctets += uint64(len(p))
}

// reasmModelHeader splits a payload; AggConsumed means that there is something in it.
func reasmModelHeader(e reasmEvent) (offset int, d []byte, v mbuf.Verdict) {
	p := e.data
	switch {
	case e.nextHeader == 59:
		return 0, nil, mbuf.Dummy
	case e.nextHeader != 144:
		return 0, nil, mbuf.BadNextHeader
	case len(p) > 0 && p[0] > 1:
		return 0, nil, mbuf.AggSubType
	case len(p) < 4 || p[0] == 1 && len(p) < 24:
		return 0, nil, mbuf.AggHeader
	}
	offset, d = int(p[2])*256+int(p[3]), p[4:]
	if p[0] == 1 {
		d = p[24:]
	}
	if len(d) == 0 || offset == 0 && d[0] < 0x10 {
		return 0, d, mbuf.AggAllPad
	}
	return offset, d, mbuf.AggConsumed
}

// reasmModelLength returns the length of the packet that starts p, 0 while p is too short to say, and whether p can be
// the start of one at all (TFS-020 to TFS-022, TFS-029, TFS-030).
func reasmModelLength(p []byte) (total int, valid bool) {
	switch {
	case p[0]>>4 == 6:
		if len(p) < 6 {
			return 0, true
		}
		return 40 + int(p[4])*256 + int(p[5]), true
	case p[0] < 0x45 || p[0] > 0x4f:
		return 0, false
	case len(p) < 4:
		return 0, true
	}
	total = int(p[2])*256 + int(p[3])
	if total < int(p[0]-0x40)*4 {
		return 0, false
	}
	return total, true
}

// reasmModelAlone reports whether d is one packet, and nothing or padding behind it.
func reasmModelAlone(d []byte) bool {
	if len(d) == 0 {
		return false
	}
	total, valid := reasmModelLength(d)
	return valid && total != 0 && total <= len(d) && (total == len(d) || d[total] < 0x10)
}
