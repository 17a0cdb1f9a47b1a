package cli

import (
	"fmt"
	"math"

	"stillwater/appliance/dataplane"
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
	pool    *mbuf.Pool
	inbound *esp.Inbound
	slots   map[uint32]uint32 // by SPI: foreign SPIs may be any number, and an offline run has time
	sas     []decapSA         // by slot
	out     *pcappmd.Writer
	result  pcapResult
	outers  fragments
	now     int64
	burst   mbuf.Burst
	inner   mbuf.Burst
}

// decapSA is one SA of the key file.
type decapSA struct {
	spi    uint32
	reasm  *iptfs.Reassembler // nil in tunnel mode
	seen   uint64
	opened uint64
}

// decap writes the inner packets of a capture of ESP packets.
func (e *env) decap(args []string) (err error) {
	f, err := e.pcapFlags("decap", args)
	if err != nil {
		return err
	}
	d := &decapper{burst: make(mbuf.Burst, 1), inner: make(mbuf.Burst, 256), result: pcapResult{Drops: map[string]uint64{}}}
	if err := d.setup(f); err != nil {
		return err
	}
	if d.out, err = pcappmd.Create(f.out, pcappmd.LinkRaw, pcappmd.Options{}); err != nil {
		return err
	}
	if err := d.run(f.in); err != nil {
		d.out.Abort()
		return err
	}
	if err := d.out.Close(); err != nil {
		return err
	}
	return e.printResult(&d.result, f.asJSON)
}

// setup builds an SA for every entry of the key file. Where sequence numbers start is read from the capture: nothing says
// that it begins with the SA.
func (d *decapper) setup(f pcapFlags) error {
	set, err := loadKeys(f.keys)
	if err != nil {
		return err
	}
	defer set.Wipe()
	starts, err := firstNumbers(f.in)
	if err != nil {
		return err
	}
	n := len(set.SAs)
	d.inbound, d.slots, d.sas = esp.NewInbound(aead.NewStd(n), n), map[uint32]uint32{}, make([]decapSA, n)
	waiting := 0
	for i := range set.SAs {
		s := &set.SAs[i]
		p, err := params(set.File, i, s)
		if err != nil {
			return err
		}
		p.FirstSeq = starts[s.SPI].from(s.ESN, s.ESNInitialHi)
		if p.ReplayWindow == 0 {
			p.ReplayWindow = esp.MaxWindow // duplicates are dropped, and hardly anything is too old
		}
		if err := d.inbound.Install(uint32(i), p); err != nil {
			return fmt.Errorf("%s: sa %d: %w", set.File, i+1, err)
		}
		d.slots[s.SPI] = uint32(i)
		d.sas[i].spi = s.SPI
		if p.Mode != esp.ModeAGGFRAG {
			continue
		}
		timer := int64(s.LostPacketTimer)
		if timer == 0 {
			timer = never
		}
		d.sas[i].reasm, err = iptfs.NewReassembler(iptfs.ReassemblerConfig{
			Window: s.ReorderWindow, LostTimer: timer, MaxInner: math.MaxUint16, First: p.FirstSeq,
		})
		if err != nil {
			return fmt.Errorf("%s: sa %d: %w", set.File, i+1, err)
		}
		waiting += s.ReorderWindow
	}
	d.pool, err = newPool(waiting)
	return err
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
	return d.wrongKey()
}

// packet handles one record.
func (d *decapper) packet(p pcappmd.Packet, ip []byte) error {
	if ip == nil {
		d.result.OtherPackets++
		return nil
	}
	if whole, waiting := d.outers.add(ip); waiting {
		return nil
	} else if whole != nil {
		ip = whole
	}
	m := d.pool.Get(len(ip))
	if m == nil {
		return fmt.Errorf("packet of %d octets: too large, or too many packets wait for missing ones", len(ip))
	}
	copy(m.Append(len(ip)), ip)
	m.Time = p.Time
	v := dataplane.CheckIP(m)
	if v == mbuf.Pass {
		v = dataplane.ParseOuter(m)
	}
	switch {
	case v == mbuf.Pass:
		d.result.OuterPackets++
		return d.open(m)
	case p.Truncated:
		v = mbuf.TooShort
		d.result.drop(v, 1)
	case v == mbuf.Punted || v == mbuf.Keepalive || v == mbuf.BadVersion:
		d.result.OtherPackets++
	default:
		d.result.drop(v, 1)
	}
	d.pool.Put(m)
	return nil
}

// open decrypts one ESP packet and writes what it completes.
func (d *decapper) open(m *mbuf.Mbuf) error {
	slot, known := d.slots[m.SPI]
	if !known {
		d.reject(m.Reject(mbuf.UnknownSPI))
		return nil
	}
	d.burst[0], m.SA = m, slot
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
	sa.reasm.Receive(m, d.pool, d.now)
	return d.drain(sa)
}

func (d *decapper) reject(m *mbuf.Mbuf) {
	d.result.drop(m.Verdict, 1)
	d.pool.Put(m)
}

// drain writes every inner packet that is complete, and expires what a configured timer gives up.
func (d *decapper) drain(sa *decapSA) error {
	for {
		n := sa.reasm.Drain(d.inner, d.pool, d.now)
		for _, m := range d.inner[:n] {
			if err := d.write(m); err != nil {
				return err
			}
		}
		d.pool.Free(d.inner[:n])
		if n > 0 {
			continue
		}
		if at, armed := sa.reasm.Deadline(); !armed || at > d.now {
			return nil
		}
		sa.reasm.Expire(d.pool, d.now)
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
	d.now = math.MaxInt64
	if err := d.drain(sa); err != nil {
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

// wrongKey refuses the whole run where an SA had packets and not one of them could be opened.
func (d *decapper) wrongKey() error {
	for i, sa := range d.sas {
		if sa.seen > 0 && sa.opened == 0 {
			return fmt.Errorf("SA with SPI %#x: none of its %d packets could be opened (%s): check key, encr, integ, esn and esn_initial_hi of sa %d",
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
