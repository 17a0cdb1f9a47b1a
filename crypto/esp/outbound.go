package esp

import (
	crand "crypto/rand"
	"encoding/binary"
	"math"
	"math/rand/v2"

	"stillwater/crypto/aead"
	"stillwater/pmd/mbuf"
)

// Outbound is the outbound SAs of one lcore and the scratch to seal bursts with. Owned by one lcore, but for Install and
// Remove: they belong to one builder goroutine, for slots the lcore does not use at that time. Handing the slot's number
// over, there and back, is the caller's synchronisation (a ring).
type Outbound struct {
	engine  aead.Engine
	sas     []outSA
	descs   []aead.Desc
	scratch mbuf.Burst
	events  eventQueue
	work    outerFlags    // of the burst being sealed, all packets together
	ivs     *rand.ChaCha8 // IVs of CBC suites: unpredictable (RFC 3602 3)
	used    occupancy     // the builder's
}

// outSA is the hot record of an outbound SA: three cache lines, no pointers. Sealing reads and writes the first, reads the
// second and meets the third only when a limit is near.
type outSA struct {
	seq         uint64 // last sequence number sent
	octets      uint64 // payload, padding and trailer
	watchSeq    uint64 // where seq and octets reach the next limit
	watchOctets uint64
	ivBase      uint64
	salt        uint32
	spi         uint32
	maxPayload  uint16 // octets the outer length fields can name
	tfcBucket   uint16 // payload is rounded up to a multiple of it; 0 is off
	tfcMax      uint16 // but not above this
	tfcSize     uint16 // outer packet that tfcMax comes from
	prefix      uint8  // octets in front of the payload: outer header, ESP header, IV
	ivLen       uint8
	icvLen      uint8
	textIV      uint8 // octets of IV that belong to the back-end's text
	padMask     uint8 // alignment minus one
	aadLen      uint8
	highFirst   bool         // order of the halves of the sequence number in the AAD
	refuse      mbuf.Verdict // Pass, or what every packet gets: no SA in the slot, lifetime over

	outer OuterHeader

	before uint64 // sequence number before the first one sent
	life   lifetime
}

// Counters is what an SA has carried.
type Counters struct {
	Packets uint64
	Octets  uint64 // what the algorithm was applied to: payload, padding, trailer (RFC 4301 4.4.2.1)
	Seq     uint64 // outbound the last sequence number sent, inbound the highest received
}

// NewOutbound returns a table of empty slots over e, whose key slots have the same numbers and are used for nothing else.
// It panics where slots is not 1 to e.Slots().
func NewOutbound(e aead.Engine, slots int) *Outbound {
	checkTable(slots, e.Slots())
	var seed [32]byte
	crand.Read(seed[:]) // never fails: crypto/rand
	o := &Outbound{
		engine:  e,
		sas:     newRecords[outSA](slots),
		descs:   make([]aead.Desc, mbuf.BurstSize),
		scratch: make(mbuf.Burst, mbuf.BurstSize),
		events:  newEventQueue(slots),
		ivs:     rand.NewChaCha8(seed),
		used:    make(occupancy, slots),
	}
	clear(seed[:])
	for i := range o.sas {
		o.sas[i].refuse = mbuf.NoSA
	}
	return o
}

// Install expands the key of p and builds its record in an empty slot. The error is a *ParamError, wraps ErrSlot or
// ErrSlotInUse, or comes from the back-end; nothing is installed then. p.Keymat is not retained and is the caller's to
// wipe.
func (o *Outbound) Install(slot uint32, p *Params) error {
	if err := o.used.vacant(slot); err != nil {
		return err
	}
	sa, err := newOutSA(p)
	if err != nil {
		return err
	}
	if err := o.engine.SetKey(slot, p.Suite.Alg, p.key()); err != nil {
		return err
	}
	o.sas[slot], o.used[slot] = sa, true
	return nil
}

// newOutSA is the one place where a configuration becomes a runtime record.
func newOutSA(p *Params) (outSA, error) {
	if err := p.validate(); err != nil {
		return outSA{}, err
	}
	if err := p.validateOutbound(); err != nil {
		return outSA{}, err
	}
	outer, err := NewOuterHeader(p)
	if err != nil {
		return outSA{}, err
	}
	bucket, size, err := p.tfc()
	if err != nil {
		return outSA{}, err
	}
	salt := p.salt()
	sa := outSA{
		seq: p.firstSeq() - 1, before: p.firstSeq() - 1, ivBase: p.IVBase,
		salt: binary.BigEndian.Uint32(salt[:]), spi: p.SPI,
		ivLen: uint8(p.Suite.IVLen()), icvLen: uint8(p.Suite.ICVLen()), textIV: uint8(p.textIV()),
		padMask: uint8(p.Suite.Align() - 1), aadLen: p.aadLen(), highFirst: p.highFirst(),
		tfcBucket: bucket, tfcSize: size,
		life: newLifetime(p, true),
	}
	sa.redirect(outer)
	sa.watch()
	return sa, nil
}

// redirect puts another outer header on the SA.
func (sa *outSA) redirect(h OuterHeader) {
	sa.outer = h
	sa.prefix = h.len + headerLen + sa.ivLen
	limit := maxIPv4
	if h.family >= family6 {
		limit = maxIPv6
	}
	o := sa.overhead()
	sa.maxPayload = uint16(o.Capacity(limit))
	sa.tfcMax = uint16(max(o.Capacity(int(sa.tfcSize)), 0))
}

func (sa *outSA) overhead() Overhead {
	return Overhead{int(sa.outer.len), headerLen + int(sa.ivLen), int(sa.icvLen), int(sa.padMask) + 1}
}

// watch sets where the limits have to be looked at again. Packets are sequence numbers from the first one on, so both
// limits are one.
func (sa *outSA) watch() {
	next := sa.life.next(sa.usage())
	sa.watchOctets = next.Octets
	sa.watchSeq = next.Seq
	if next.Packets <= math.MaxUint64-sa.before {
		sa.watchSeq = min(next.Seq, sa.before+next.Packets)
	}
}

func (sa *outSA) usage() Limits {
	return Limits{Packets: sa.seq - sa.before, Octets: sa.octets, Seq: sa.seq}
}

// Remove empties a slot and wipes its record and, as far as the back-end can, its key. Only after the lcore has
// acknowledged that it no longer uses the slot. An empty slot stays empty.
func (o *Outbound) Remove(slot uint32) {
	if !o.used.holds(slot) {
		return
	}
	o.engine.ClearKey(slot)
	o.sas[slot] = outSA{refuse: mbuf.NoSA}
	o.used[slot] = false
}

// Redirect changes where the SA's packets go: its peer moved (RFC 7296 2.23, RFC 4555) or another source port is in use.
// Key and counters go on. For the lcore, with a header that NewOuterHeader built elsewhere.
func (o *Outbound) Redirect(slot uint32, h OuterHeader) { o.sas[slot].redirect(h) }

// Counters returns what the SA in slot has sent. For the lcore, or for the builder between acknowledgement and Remove.
func (o *Outbound) Counters(slot uint32) Counters {
	sa := &o.sas[slot]
	return Counters{Packets: sa.seq - sa.before, Octets: sa.octets, Seq: sa.seq}
}

// Overhead returns what the SA in slot adds to a payload.
func (o *Outbound) Overhead(slot uint32) Overhead { return o.sas[slot].overhead() }

// TakeEvents moves limits that were reached to dst and returns how many.
func (o *Outbound) TakeEvents(dst []Event) int { return o.events.take(dst) }
