package cli

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"

	"stillwater/appliance/config"
	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// What an encapsulated capture is made with where the caller says nothing.
const (
	defaultOuter = 1500
	encapQueue   = 1024
	encapHold    = 1e6 // ns that an inner packet waits for others to share its payload
	counterIVLen = 8
)

// encapper seals the inner packets of one capture with one SA.
type encapper struct {
	offline
	outbound *esp.Outbound
	framer   *iptfs.Framer // nil in tunnel mode
	full     int           // octets of a fixed payload's worth of blocks; 0 without -outer-size
}

// encap writes the ESP packets that carry the inner packets of a capture.
func (e *env) encap(args []string) error {
	x := &encapper{offline: newOffline(mbuf.BurstSize)}
	return e.runOffline("encap", args, &x.offline, x)
}

// setup builds the SA: the first of the key file.
func (x *encapper) setup(f pcapFlags) error {
	set, err := loadKeys(f.keys)
	if err != nil {
		return err
	}
	defer set.Wipe()
	s := &set.SAs[0]
	p, err := params(set.File, 0, s)
	if err != nil {
		return err
	}
	if err := x.prepare(p, set.File); err != nil {
		return err
	}
	x.outbound = esp.NewOutbound(aead.NewStd(1), 1)
	if err := x.outbound.Install(0, p); err != nil {
		return fmt.Errorf("%s: sa 1: %w", set.File, err)
	}
	// What waits is less than a payload: many small packets, or few large ones.
	if x.pool, err = newPool(encapQueue, 0); err != nil {
		return err
	}
	size := max(f.outerSize, s.OuterSize)
	if f.outerSize != 0 {
		size = f.outerSize
	}
	return x.frame(p, s, size)
}

// prepare refuses what must not be sealed under a key that may have been used before, and spreads the IVs: a second run
// begins again with sequence number 1 under the same key.
func (x *encapper) prepare(p *esp.Params, file string) error {
	switch {
	case !p.Src.IsValid() || !p.Dst.IsValid():
		return fmt.Errorf("%s: sa 1: src and dst are needed to encapsulate", file)
	case p.Suite.Encr.ImplicitIV:
		return fmt.Errorf("%s: sa 1: encr %s has an implicit IV, which would repeat when the key is used again", file, p.Suite.Encr.Name)
	}
	if p.Suite.IVLen() == counterIVLen {
		var b [8]byte
		rand.Read(b[:])
		p.IVBase = binary.BigEndian.Uint64(b[:])
	}
	return nil
}

// frame builds the framer of an iptfs SA.
func (x *encapper) frame(p *esp.Params, s *config.CaptureSA, size int) error {
	if s.Mode != config.CaptureIPTFS {
		if size != 0 {
			return &usageError{"-outer-size is for SAs with mode iptfs"}
		}
		return nil
	}
	fixed := size != 0
	switch {
	case !fixed:
		size = defaultOuter
	case size > maxOuter:
		return fmt.Errorf("outer size %d: expected at most %d", size, maxOuter)
	}
	capacity, err := esp.PayloadCapacity(p, size)
	if err != nil {
		return fmt.Errorf("outer size %d: %w", size, err)
	}
	if got := x.outbound.Overhead(0).PacketSize(capacity); fixed && got != size {
		return fmt.Errorf("outer size %d: not possible with this SA, the next smaller one is %d", size, got)
	}
	cfg := iptfs.FramerConfig{PayloadSize: capacity, Fixed: fixed, MaxInner: math.MaxUint16, QueuePackets: encapQueue, QueueOctets: encapQueue << 16}
	if fixed {
		x.full = capacity - iptfs.BasicHeaderLen
	} else {
		cfg.HoldTime = encapHold
	}
	if x.framer, err = iptfs.NewFramer(cfg); err != nil {
		return fmt.Errorf("outer size %d: %w", size, err)
	}
	return nil
}

// run seals every packet and then what is left in the framer.
func (x *encapper) run(name string) error {
	err := eachPacket(name, func(p pcappmd.Packet, ip []byte) error {
		if err := x.flush(p.Time); err != nil {
			return err
		}
		x.now = max(x.now, p.Time)
		return x.packet(p, ip)
	})
	if err != nil {
		return err
	}
	if x.framer == nil {
		return nil
	}
	for x.waiting() > 0 {
		if err := x.emit(math.MaxInt64, 1); err != nil {
			return err
		}
	}
	return nil
}

// packet takes one record of the inner capture.
func (x *encapper) packet(p pcappmd.Packet, ip []byte) error {
	n, ok := ipLength(ip)
	if !ok || p.Truncated {
		x.result.OtherPackets++
		return nil
	}
	if n > maxOuter {
		x.result.drop(mbuf.TooBig, 1)
		return nil
	}
	m := x.pool.Get(n)
	if m == nil {
		return fmt.Errorf("inner packet of %d octets: no buffer is left", n)
	}
	copy(m.Append(n), ip[:n])
	m.NextHeader = 4
	if ip[0]>>4 == 6 {
		m.NextHeader = 41
	}
	if x.framer == nil {
		x.burst[0] = m
		x.taken(m)
		return x.seal(x.burst[:1])
	}
	x.burst[0] = m
	if x.framer.Offer(x.burst[:1], x.now) == 0 {
		x.result.drop(m.Verdict, 1)
		x.pool.Put(m)
		return nil
	}
	x.taken(m)
	for x.full > 0 && x.waiting() >= x.full {
		if err := x.emit(x.now, 1); err != nil {
			return err
		}
	}
	return nil
}

func (x *encapper) taken(m *mbuf.Mbuf) {
	x.result.InnerPackets++
	x.result.InnerBytes += uint64(m.Len())
}

func (x *encapper) waiting() int {
	_, octets := x.framer.Waiting()
	return octets
}

// flush sends, before the packet of time next, what should have left by then.
func (x *encapper) flush(next int64) error {
	for x.framer != nil && x.full == 0 {
		at, armed := x.framer.Deadline()
		if !armed || at > next {
			return nil
		}
		x.now = max(x.now, at)
		if err := x.emit(x.now, len(x.burst)); err != nil {
			return err
		}
	}
	return nil
}

// emit makes up to n payloads and seals them.
func (x *encapper) emit(now int64, n int) error {
	k := x.framer.Emit(x.burst[:n], x.pool, now)
	if k == 0 {
		return fmt.Errorf("no buffer is left for an outer packet")
	}
	return x.seal(x.burst[:k])
}

// seal protects payloads and writes the outer packets.
func (x *encapper) seal(ms mbuf.Burst) error {
	for _, m := range ms {
		m.SA = 0
	}
	n := x.outbound.Seal(ms)
	defer x.pool.Free(ms)
	for _, m := range ms[n:] {
		x.result.drop(m.Verdict, 1)
	}
	for _, m := range ms[:n] {
		x.result.OuterPackets++
		if err := x.out.Write(x.now, m.Data()); err != nil {
			return err
		}
	}
	return nil
}

// ipLength returns the octets of the IP packet that b starts with: as a data block it would have as many.
func ipLength(b []byte) (n int, ok bool) {
	if len(b) == 0 || iptfs.BlockKind(b[0]) == iptfs.BlockPad {
		return 0, false
	}
	n, need, ok := iptfs.BlockLen(b)
	return n, ok && need == 0 && n <= len(b)
}
