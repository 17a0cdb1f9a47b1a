package bench

import (
	"encoding/hex"
	"errors"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// TestHeaderChecksum: the widely published example of an IPv4 header, whose checksum is b861.
func TestHeaderChecksum(t *testing.T) {
	h, err := hex.DecodeString("450000730000400040110000c0a80001c0a800c7")
	if err != nil {
		t.Fatal(err)
	}
	if got := headerChecksum(h); got != 0xb861 {
		t.Errorf("checksum %04x, want b861", got)
	}
}

func TestInnerPacket(t *testing.T) {
	for _, size := range []int{MinSize, 64, 1400, MaxSize} {
		p := innerPacket(size)
		q, _, code := spd.ParseInner(p)
		if len(p) != size || code != spd.ParseOK || q.Proto != protoUDP {
			t.Errorf("%d octets: %d, %v, protocol %d", size, len(p), code, q.Proto)
		}
		if got := int(p[2])<<8 | int(p[3]); got != size {
			t.Errorf("%d octets: total length %d", size, got)
		}
	}
}

func TestPassPackets(t *testing.T) {
	for size := MinSize; size <= MaxSize; size++ {
		n := passPackets(size)
		if n < mbuf.BurstSize || n > passBursts*mbuf.BurstSize || n%mbuf.BurstSize != 0 {
			t.Fatalf("%d octets: %d packets a pass, want 1 to %d bursts", size, n, passBursts)
		}
		if n > mbuf.BurstSize && n*size > passOctets {
			t.Fatalf("%d octets: %d packets a pass are more than %d octets", size, n, passOctets)
		}
	}
}

func TestSame(t *testing.T) {
	pool, err := newPool("same", 64, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := innerPacket(64)
	ms := make(mbuf.Burst, 2)
	if err := fill(pool, ms, want); err != nil {
		t.Fatal(err)
	}
	if err := same(ms, want); err != nil {
		t.Errorf("untouched packets: %v", err)
	}
	ms[1].Data()[63] ^= 1
	if err := same(ms, want); !errors.Is(err, errChanged) {
		t.Errorf("one bit flipped: %v, want %v", err, errChanged)
	}
	if err := closePool(pool, ms); err != nil {
		t.Error(err)
	}
}

func TestFillWithoutMbufs(t *testing.T) {
	pool, err := newPool("small", 64, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(pool, make(mbuf.Burst, 3), innerPacket(64)); !errors.Is(err, errNoMbuf) {
		t.Errorf("three packets from a pool of two: %v, want %v", err, errNoMbuf)
	}
	if err := pool.Close(); err != nil {
		t.Errorf("mbufs were kept: %v", err)
	}
}
