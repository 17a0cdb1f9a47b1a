package esp

import (
	"encoding/binary"

	"stillwater/crypto/aead"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// Inbound is the inbound SAs of one lcore and the scratch to open bursts with. Owned by one lcore, but for Install and
// Remove: they belong to one builder goroutine, for slots the lcore does not use at that time. Handing the slot's number
// over, there and back, is the caller's synchronisation (a ring).
type Inbound struct {
	engine  aead.Engine
	sas     []inSA
	descs   []aead.Desc
	scratch mbuf.Burst
	events  eventQueue
	now     int64     // of Tick
	used    occupancy // the builder's
}

// inSA is the hot record of an inbound SA: three cache lines, of which opening meets the third only when a limit is near
// or something is odd. Its one pointer is the replay bitmap's: sizes differ by SA, and a shared arena would have to be as
// large as the largest allows. Only the builder writes it, so the lcore has no write barrier.
type inSA struct {
	window    Window
	last      int64 // when a packet was last accepted, 0 before the first
	salt      uint32
	spi       uint32
	ivLen     uint8
	icvLen    uint8
	textIV    uint8 // octets of IV that belong to the back-end's text
	blockMask uint8 // the text is a multiple of this plus one: block ciphers only
	aadLen    uint8
	highFirst bool // order of the halves of the sequence number in the AAD
	mode      Mode
	refuse    mbuf.Verdict // Pass, or what every packet gets: no SA in the slot, lifetime over

	packets    uint64
	octets     uint64
	watch      Limits // where counts reach the next limit
	authFailed uint64
	replayed   uint64
	authRun    uint32 // integrity failures since the last success
	_          [4]byte

	life       lifetime
	oddPadding uint32
	oddECN     uint32
}

// InboundCounters is what an inbound SA has carried and refused.
type InboundCounters struct {
	Counters
	Replayed   uint64 // duplicates and packets left of the window, before and after the integrity check
	AuthFailed uint64 // integrity failures (RFC 4303 3.4.4)
	AuthRun    uint32 // the same, since the last packet that passed: many in a row ask for a re-synchronisation (RFC 4303 A3)
	OddPadding uint32 // padding other than 1, 2, 3, ...: accepted, see Open
	OddECN     uint32 // combinations of ECN fields that RFC 6040 4.2 marks as unused
}

// NewInbound returns a table of empty slots over e, whose key slots have the same numbers and are used for nothing else.
// It panics where slots is not 1 to e.Slots().
func NewInbound(e aead.Engine, slots int) *Inbound {
	checkTable(slots, e.Slots())
	i := &Inbound{
		engine:  e,
		sas:     newRecords[inSA](slots),
		descs:   make([]aead.Desc, mbuf.BurstSize),
		scratch: make(mbuf.Burst, mbuf.BurstSize),
		events:  newEventQueue(slots),
		used:    make(occupancy, slots),
	}
	for k := range i.sas {
		i.sas[k].refuse = mbuf.UnknownSPI
	}
	return i
}

// Install expands the key of p and builds its record in an empty slot. The error is a *ParamError, wraps ErrSlot or
// ErrSlotInUse, or comes from the back-end; nothing is installed then. p.Keymat is not retained and is the caller's to
// wipe.
func (i *Inbound) Install(slot uint32, p *Params) error {
	if err := i.used.vacant(slot); err != nil {
		return err
	}
	sa, err := newInSA(p)
	if err != nil {
		return err
	}
	if err := i.engine.SetKey(slot, p.Suite.Alg, p.key()); err != nil {
		return err
	}
	i.sas[slot], i.used[slot] = sa, true
	return nil
}

// newInSA is the one place where a configuration becomes a runtime record.
func newInSA(p *Params) (inSA, error) {
	if err := p.validate(); err != nil {
		return inSA{}, err
	}
	if err := p.validateInbound(); err != nil {
		return inSA{}, err
	}
	size := p.ReplayWindow
	if size == 0 {
		size = defaultWindow
	}
	salt := p.salt()
	sa := inSA{
		window: NewWindow(size, p.ESN, p.firstSeq()),
		salt:   binary.BigEndian.Uint32(salt[:]), spi: p.SPI,
		ivLen: uint8(p.Suite.IVLen()), icvLen: uint8(p.Suite.ICVLen()), textIV: uint8(p.textIV()),
		aadLen: p.aadLen(), highFirst: p.highFirst(), mode: p.Mode,
		life: newLifetime(p, false),
	}
	if p.Suite.Encr.Kind == suite.KindCBC {
		sa.blockMask = uint8(p.Suite.Encr.BlockLen - 1)
	}
	sa.watch = sa.life.next(sa.usage())
	return sa, nil
}

func (sa *inSA) usage() Limits {
	return Limits{Packets: sa.packets, Octets: sa.octets, Seq: sa.window.top}
}

// Remove empties a slot and wipes its record and, as far as the back-end can, its key. Only after the lcore has
// acknowledged that it no longer uses the slot. An empty slot stays empty.
func (i *Inbound) Remove(slot uint32) {
	if !i.used.holds(slot) {
		return
	}
	i.engine.ClearKey(slot)
	i.sas[slot] = inSA{refuse: mbuf.UnknownSPI}
	i.used[slot] = false
}

// Counters returns what the SA in slot has received. For the lcore, or for the builder between acknowledgement and Remove.
func (i *Inbound) Counters(slot uint32) InboundCounters {
	sa := &i.sas[slot]
	return InboundCounters{
		Counters: Counters{sa.packets, sa.octets, sa.window.top},
		Replayed: sa.replayed, AuthFailed: sa.authFailed, AuthRun: sa.authRun,
		OddPadding: sa.oddPadding, OddECN: sa.oddECN,
	}
}

// Newest returns the highest sequence number the SA in slot has authenticated. A peer's change of address counts only on
// a packet whose Seq is that number: authenticated and newer than all others (RFC 7296 2.23, RFC 3948).
func (i *Inbound) Newest(slot uint32) uint64 { return i.sas[slot].window.top }

// Tick says what time it is for the packets opened from now on, in nanoseconds of the caller's clock. For the lcore.
func (i *Inbound) Tick(now int64) { i.now = now }

// LastReceived returns the time, by Tick, of the last packet of the SA in slot that was authentic and no replay, whatever
// it carried: the proof that the peer lives (RFC 7296 2.4). 0 is never. For the lcore.
func (i *Inbound) LastReceived(slot uint32) int64 { return i.sas[slot].last }

// TakeEvents moves limits that were reached to dst and returns how many.
func (i *Inbound) TakeEvents(dst []Event) int { return i.events.take(dst) }
