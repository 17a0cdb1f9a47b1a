package cli

import (
	"fmt"
	"math"
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// never is a lost-packet timer that does not fire within a capture: the reorder window decides what is lost, and the end of
// the file the rest.
const never = math.MaxInt64 / 2

// decapper opens the ESP packets of one capture.
type decapper struct {
	offline
	inbound  *esp.Inbound
	slots    map[uint32][]int // by SPI: foreign SPIs may be any number, and an offline run has time
	sas      []decapSA        // by slot
	stranger uint32           // the first SPI that no key belongs to
	outers   outerReader
	inner    mbuf.Burst
}

// decapSA is one SA of the key file.
type decapSA struct {
	spi    uint32
	dst    netip.Addr         // of the outer packets; the zero Addr: any
	reasm  *iptfs.Reassembler // nil in tunnel mode
	timed  bool               // a lost-packet timer is configured
	seen   uint64
	opened uint64
}

// decap writes the inner packets of a capture of ESP packets.
func (e *env) decap(args []string) error {
	d := &decapper{offline: newOffline(1), inner: make(mbuf.Burst, mbuf.BurstSize)}
	return e.runOffline("decap", args, &d.offline, d)
}

// setup builds an SA for every entry of the key file. Where sequence numbers start is read from the capture: nothing says
// that it begins with the SA.
func (d *decapper) setup(f pcapFlags) error {
	set, err := loadKeys(f.keys)
	if err != nil {
		return err
	}
	defer set.Wipe()
	n := len(set.SAs)
	d.inbound, d.slots, d.sas = esp.NewInbound(aead.NewStd(n), n), map[uint32][]int{}, make([]decapSA, n)
	d.outers = newOuterReader(d.slots)
	ps, waiting := make([]*esp.Params, n), 0
	for i := range set.SAs {
		s := &set.SAs[i]
		if ps[i], err = params(set.File, i, s); err != nil {
			return err
		}
		d.slots[s.SPI] = append(d.slots[s.SPI], i)
		d.sas[i] = decapSA{spi: s.SPI, dst: s.Dst, timed: s.LostPacketTimer != 0}
		waiting += s.ReorderWindow
		if ps[i].Encap == esp.EncapUDP {
			d.outers.ports = append(d.outers.ports, ps[i].SrcPort, ps[i].DstPort)
		}
	}
	if d.pool, err = newPool(0, 0); err != nil {
		return err
	}
	starts, seen, err := d.findStarts(f.in, ps)
	if err != nil {
		return err
	}
	d.close()
	if d.pool, err = newPool(min(waiting, seen.packets), seen.largest); err != nil {
		return err
	}
	for i := range set.SAs {
		ps[i].FirstSeq = starts[i].from(ps[i])
		if err := d.install(i, ps[i], &set.SAs[i]); err != nil {
			return fmt.Errorf("%s: sa %d: %w", set.File, i+1, err)
		}
	}
	return nil
}

// install builds one SA.
func (d *decapper) install(i int, p *esp.Params, s *config.CaptureSA) (err error) {
	if p.ReplayWindow == 0 {
		p.ReplayWindow = -1 // off in a key file; package esp would take its default
	}
	if err := d.inbound.Install(uint32(i), p); err != nil || p.Mode != esp.ModeAGGFRAG {
		return err
	}
	timer := int64(never)
	if d.sas[i].timed {
		timer = int64(s.LostPacketTimer)
	}
	d.sas[i].reasm, err = iptfs.NewReassembler(iptfs.ReassemblerConfig{
		Window: s.ReorderWindow, LostTimer: timer, MaxInner: math.MaxUint16, First: p.FirstSeq,
	})
	return err
}

// find returns the SA of a packet: by SPI and, where several have chosen the same, by destination. A destination that fits
// none is one that a NAT has changed.
func (d *decapper) find(spi uint32, dst netip.Addr) (slot int, ok bool) {
	for _, i := range d.slots[spi] {
		if d.sas[i].dst == dst {
			return i, true
		}
		if !ok || !d.sas[i].dst.IsValid() {
			slot, ok = i, true
		}
	}
	return slot, ok
}

// run opens every packet, then delivers what still waits for packets that the capture does not have.
func (d *decapper) run(name string) error {
	err := eachPacket(name, func(p pcappmd.Packet, ip []byte) error {
		d.now = max(d.now, p.Time)
		return d.packet(p, ip)
	})
	if err != nil {
		return err
	}
	for i := range d.sas {
		if err := d.finish(&d.sas[i]); err != nil {
			return err
		}
	}
	d.result.drop(mbuf.OuterFragment, d.outers.fragments.Incomplete())
	return d.wrongKey()
}

// packet handles one record.
func (d *decapper) packet(p pcappmd.Packet, ip []byte) error {
	if ip == nil {
		d.result.OtherPackets++
		return nil
	}
	o := d.outers.read(ip, d.pool)
	switch {
	case o.waiting:
		return nil
	case o.m == nil && o.verdict == mbuf.NoBuffer:
		return fmt.Errorf("packet of %d octets: no buffer is left, too many packets wait for missing ones", len(ip))
	case o.m == nil:
		d.result.drop(o.verdict, 1)
		return nil
	case o.verdict == mbuf.Pass:
		d.result.OuterPackets++
		o.m.Time = p.Time
		return d.open(o.m, o.dst)
	case p.Truncated:
		d.result.drop(mbuf.TooShort, 1)
	case o.verdict == mbuf.Punted || o.verdict == mbuf.Keepalive || o.verdict == mbuf.BadVersion:
		d.result.OtherPackets++
	default:
		d.result.drop(o.verdict, 1)
	}
	d.pool.Put(o.m)
	return nil
}

// open decrypts one ESP packet and writes what it completes.
func (d *decapper) open(m *mbuf.Mbuf, dst netip.Addr) error {
	slot, known := d.find(m.SPI, dst)
	if !known {
		if d.stranger == 0 {
			d.stranger = m.SPI
		}
		d.reject(m.Reject(mbuf.UnknownSPI))
		return nil
	}
	d.burst[0], m.SA = m, uint32(slot)
	sa := &d.sas[m.SA]
	sa.seen++
	if d.inbound.Open(d.burst) == 0 {
		d.reject(m)
		return nil
	}
	sa.opened++
	if sa.reasm == nil {
		defer d.pool.Put(m)
		return d.write(m)
	}
	sa.reasm.Receive(m, d.pool, d.clock(sa))
	return d.drain(sa, d.clock(sa))
}

// clock is the time that an SA's timers see: that of the capture or, where none is configured, none at all, because a
// capture's clock may jump by more than never is.
func (d *decapper) clock(sa *decapSA) int64 {
	if sa.timed {
		return d.now
	}
	return 0
}

func (d *decapper) reject(m *mbuf.Mbuf) {
	d.result.drop(m.Verdict, 1)
	d.pool.Put(m)
}

// drain writes every inner packet that is complete, and expires what a configured timer gives up.
func (d *decapper) drain(sa *decapSA, now int64) error {
	for {
		n := sa.reasm.Drain(d.inner, d.pool, now)
		for _, m := range d.inner[:n] {
			if err := d.write(m); err != nil {
				return err
			}
		}
		d.pool.Free(d.inner[:n])
		if n > 0 {
			continue
		}
		if at, armed := sa.reasm.Deadline(); !armed || at > now {
			return nil
		}
		sa.reasm.Expire(d.pool, now)
	}
}

func (d *decapper) write(m *mbuf.Mbuf) error {
	d.result.InnerPackets++
	d.result.InnerBytes += uint64(m.Len())
	return d.out.Write(m.Time, m.Data())
}

// finish gives up every packet that the capture lacks and collects the counters of one SA.
func (d *decapper) finish(sa *decapSA) error {
	if sa.reasm == nil {
		return nil
	}
	if err := d.drain(sa, math.MaxInt64); err != nil {
		return err
	}
	c := sa.reasm.Counters()
	d.result.Missing += c.Missed
	for v, n := range sa.reasm.Drops() {
		d.result.drop(mbuf.Verdict(v), n)
	}
	sa.reasm.Close(d.pool)
	return nil
}

// wrongKey refuses the whole run where an SA had packets and not one of them could be opened, or where all the packets are
// of other SAs.
func (d *decapper) wrongKey() error {
	if n := d.result.Drops[mbuf.UnknownSPI.String()]; n > 0 && n == d.result.OuterPackets {
		return fmt.Errorf("none of the %d ESP packets has an SPI of the key file; the first has %#x", n, d.stranger)
	}
	for i, sa := range d.sas {
		if sa.seen > 0 && sa.opened == 0 {
			return fmt.Errorf("SA with SPI %#x: none of its %d packets could be opened (%s): check mode, key, encr, integ, esn and esn_initial_hi of sa %d",
				sa.spi, sa.seen, d.verdicts(), i+1)
		}
	}
	return nil
}

func (d *decapper) verdicts() (s string) {
	for i, v := range sortedKeys(d.result.Drops) {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%s %d", v, d.result.Drops[v])
	}
	return s
}
