package dataplane

import (
	"bytes"
	"encoding/binary"
	"testing"

	"stillwater/pmd/mbuf"
)

// fragmentWorker is a worker with a pool and nothing else.
func fragmentWorker(t *testing.T, n int) *Worker {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: "fragment", N2K: n, N9K: 4})
	if err != nil {
		t.Fatal(err)
	}
	return &Worker{pool: p, sealing: make(mbuf.Burst, mbuf.BurstSize), rejects: make(mbuf.Burst, 0, 8)}
}

// fragmentPacket makes an IPv4 packet of n octets with the given options and fragment field.
func fragmentPacket(w *Worker, n int, options []byte, field uint16) *mbuf.Mbuf {
	m := w.pool.Get(n)
	d := m.Append(n)
	header := ipv4Len + len(options)
	d[0], d[1], d[8], d[9] = byte(4<<4|header/4), 0x28, 64, protoUDP
	binary.BigEndian.PutUint16(d[2:], uint16(n))
	binary.BigEndian.PutUint16(d[4:], 0xbeef)
	binary.BigEndian.PutUint16(d[6:], field)
	copy(d[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	copy(d[ipv4Len:], options)
	for i := header; i < n; i++ {
		d[i] = byte(i * 31)
	}
	binary.BigEndian.PutUint16(d[10:], ^uint16(headerSum(d[:header])))
	return m
}

// TestTFS097_InnerFragments: a packet that may be fragmented goes through a tunnel that is too small for it as valid IPv4
// fragments, which put together are the packet (RFC 791 3.2; RFC 4301 8.2.1).
func TestTFS097_InnerFragments(t *testing.T) {
	options := []byte{0x83, 3, 4, 1, 0x44, 4, 5, 0} // loose source route is copied, timestamp is not
	for _, c := range []struct {
		name    string
		octets  int
		options []byte
		field   uint16
		mtu     int
		pieces  int
	}{
		{"two", 1500, nil, 0, 1446, 2},
		{"exactly two", 20 + 2*1424, nil, 0, 1444, 2},
		{"many", 9000, nil, 0, 1446, 7},
		{"with options", 3000, options, 0, 1000, 4},
		{"a middle fragment stays one", 2000, nil, flagMF | 100, 1446, 2},
		{"a last fragment ends", 2000, nil, 7, 600, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fragmentWorker(t, 64)
			m := fragmentPacket(w, c.octets, c.options, c.field)
			m.SA, m.Aux = 3, 9
			n, v := w.fragment(m, c.mtu, w.sealing)
			if v != mbuf.Pass || n != c.pieces {
				t.Fatalf("%d fragments (%v), expected %d", n, v, c.pieces)
			}
			var body []byte
			for i, f := range w.sealing[:n] {
				d := f.Data()
				header := int(d[0]&15) * 4
				if len(d) > c.mtu || int(be16(d[2:])) != len(d) || headerSum(d[:header]) != 0xffff || f.SA != 3 || f.Aux != 9 {
					t.Fatalf("fragment %d: %d octets, header % x", i, len(d), d[:header])
				}
				field := be16(d[6:])
				if at := int(field&offsetMask) - int(c.field&offsetMask); at*8 != len(body) {
					t.Errorf("fragment %d: offset %d, expected %d", i, at*8, len(body))
				}
				if more := field&flagMF != 0; more != (i < n-1 || c.field&flagMF != 0) {
					t.Errorf("fragment %d: more fragments is %v", i, more)
				}
				if i > 0 && len(c.options) > 0 && !bytes.Equal(d[ipv4Len:header], []byte{0x83, 3, 4, 0}) {
					t.Errorf("fragment %d: options % x, expected the copied one alone", i, d[ipv4Len:header])
				}
				body = append(body, d[header:]...)
			}
			if !bytes.Equal(body, m.Data()[ipv4Len+len(c.options):]) {
				t.Error("the fragments do not add up to the packet")
			}
		})
	}
}

// TestFragmentRefuses: what must not be cut is told apart from what cannot be, and nothing is left over.
func TestFragmentRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(w *Worker) *mbuf.Mbuf
		mtu   int
		spare int
		want  mbuf.Verdict
	}{
		{"DF", func(w *Worker) *mbuf.Mbuf { return fragmentPacket(w, 1500, nil, flagDF) }, 1000, 9, mbuf.TooBig},
		{"IPv6", func(w *Worker) *mbuf.Mbuf { m := w.pool.Get(1500); m.Append(1500)[0] = 0x60; return m }, 1000, 9, mbuf.TooBig},
		{"no room for 8 octets", func(w *Worker) *mbuf.Mbuf { return fragmentPacket(w, 1500, nil, 0) }, 27, 9, mbuf.TooBig},
		{"more than a burst", func(w *Worker) *mbuf.Mbuf { return fragmentPacket(w, 2000, nil, 0) }, 68, 60, mbuf.TooBig},
		{"no buffers", func(w *Worker) *mbuf.Mbuf { return fragmentPacket(w, 9000, nil, 0) }, 600, 3, mbuf.NoBuffer},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fragmentWorker(t, c.spare)
			m := c.make(w)
			for w.pool.Available(mbuf.Class9K) > 0 && c.want == mbuf.NoBuffer {
				w.pool.Get(9000)
			}
			before := w.pool.Available(mbuf.Class2K)
			if n, v := w.fragment(m, c.mtu, w.sealing); n != 0 || v != c.want {
				t.Errorf("%d fragments, %v, expected none and %v", n, v, c.want)
			}
			if after := w.pool.Available(mbuf.Class2K); after != before {
				t.Errorf("%d buffers, expected the %d from before", after, before)
			}
		})
	}
}
