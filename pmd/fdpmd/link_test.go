package fdpmd

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// A seqpacket socket whose peer has closed reads as empty messages for ever; none of them is a frame.
func TestDeadPeer(t *testing.T) {
	r := newRig(t, Options{})
	r.inject(frame(ipv4))
	r.hangUp()
	r.receive(1)
	for range 3 {
		r.receive(0)
	}
	frames := r.mbufs(frame(ipv4), frame(ipv4), frame(ipv4))
	if n := r.port.Tx(0).TxBurst(frames); n != 3 {
		t.Errorf("took %d of 3 frames, expected all: a dead link must not hold them", n)
	}
	s := r.port.Stats()
	if want := (pmd.Stats{RxPackets: 1, RxOctets: etherLen, TxDropped: 3}); s != want {
		t.Errorf("stats %+v, expected %+v", s, want)
	}
}

// Without mbufs the end of the stream is not a loss either.
func TestDeadPeerAndEmptyPool(t *testing.T) {
	r := newRig(t, Options{})
	var hoard []*mbuf.Mbuf
	for m := r.pool.Get(0); m != nil; m = r.pool.Get(0) {
		hoard = append(hoard, m)
	}
	r.inject(frame(ipv4), frame(ipv4))
	r.hangUp()
	r.receive(0)
	r.receive(0)
	if s := r.port.Stats(); s.RxDropped != 2 || s.RxPackets != 0 {
		t.Errorf("stats %+v, expected 2 dropped", s)
	}
	r.pool.Free(hoard)
}

// A full socket takes a prefix, and a tagged frame it did not take is as it was.
func TestFullSocketKeepsTheRest(t *testing.T) {
	r := newRig(t, Options{})
	if err := unix.SetsockoptInt(r.port.(*port).fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	var ms []*mbuf.Mbuf
	for i := range 100 {
		m := r.mbufs(frame(ipv4, bytes.Repeat([]byte{byte(i)}, 1000)))[0]
		m.VLAN, m.Flags = uint16(i), m.Flags|mbuf.FlagVLAN
		ms = append(ms, m)
	}
	n := r.port.Tx(0).TxBurst(ms)
	if n == 0 || n == len(ms) {
		t.Fatalf("took %d of %d, expected a part", n, len(ms))
	}
	for i, m := range ms[n:] {
		want := frame(ipv4, bytes.Repeat([]byte{byte(n + i)}, 1000))
		if !bytes.Equal(m.Data(), want) || m.VLAN != uint16(n+i) {
			t.Errorf("frame %d was changed", n+i)
		}
	}
	for i := range n {
		want := frame([]byte{0x81, 0, 0, byte(i)}, ipv4, bytes.Repeat([]byte{byte(i)}, 1000))
		if got := r.wire(); !bytes.Equal(got, want) {
			t.Errorf("frame %d is %.32x on the wire, expected %.32x", i, got, want)
		}
	}
	if s := r.port.Stats(); s.TxPackets != uint64(n) || s.TxDropped != 0 {
		t.Errorf("stats %+v, expected %d packets and none dropped", s, n)
	}
	r.pool.Free(ms[n:])
}

// Frames that can never be sent are taken, counted and stand in nobody's way.
func TestUnsendableFramesDoNotBlock(t *testing.T) {
	r := newRig(t, Options{})
	good := frame(ipv4, []byte("good"))
	long := frame(ipv4, make([]byte, defaultMTU+1))
	ms := r.mbufs(long, good, nil, macs, good, long)
	if n := r.port.Tx(0).TxBurst(ms); n != len(ms) {
		t.Fatalf("took %d of %d", n, len(ms))
	}
	for range 2 {
		if got := r.wire(); !bytes.Equal(got, good) {
			t.Errorf("sent %x, expected %x", got, good)
		}
	}
	if s := r.port.Stats(); s.TxPackets != 2 || s.TxDropped != 4 || s.TxOctets != 2*uint64(len(good)) {
		t.Errorf("stats %+v, expected 2 sent and 4 dropped", s)
	}
}
