package fdpmd

import (
	"bytes"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// The octets of IEEE 802.1Q: the tag stands between the addresses and the EtherType.
func TestTransmitPutsTheTagInPlace(t *testing.T) {
	r := newRig(t, Options{})
	ms := r.mbufs(frame(ipv4, []byte("payload")), frame(ipv4, []byte("plain")))
	ms[0].VLAN, ms[0].Flags = 0xe064, ms[0].Flags|mbuf.FlagVLAN
	if n := r.port.Tx(0).TxBurst(ms); n != 2 {
		t.Fatalf("took %d of 2", n)
	}
	if got, want := r.wire(), frame(tag, ipv4, []byte("payload")); !bytes.Equal(got, want) {
		t.Errorf("tagged frame is %x, expected %x", got, want)
	}
	if got, want := r.wire(), frame(ipv4, []byte("plain")); !bytes.Equal(got, want) {
		t.Errorf("untagged frame behind it is %x, expected %x", got, want)
	}
}

func TestReceiveMovesTheTagAside(t *testing.T) {
	for _, c := range []struct {
		name       string
		wire, want []byte
		vlan       int // -1: untagged
	}{
		{"untagged", frame(ipv4, []byte("x")), frame(ipv4, []byte("x")), -1},
		{"tagged", frame(tag, ipv4, []byte("x")), frame(ipv4, []byte("x")), 0xe064},
		{"two tags: the outer one moves", frame(tag, tag, ipv4), frame(tag, ipv4), 0xe064},
		{"a tag without an EtherType behind it is no tag", frame(tag), frame(tag), -1},
		{"802.1ad is not 802.1Q", frame([]byte{0x88, 0xa8, 0, 5}, ipv4), frame([]byte{0x88, 0xa8, 0, 5}, ipv4), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.inject(c.wire)
			m := r.receive(1)[0]
			if !bytes.Equal(m.Data(), c.want) {
				t.Errorf("data is %x, expected %x", m.Data(), c.want)
			}
			if is := m.Flags&mbuf.FlagVLAN != 0; is != (c.vlan >= 0) || is && int(m.VLAN) != c.vlan {
				t.Errorf("flags %#x VLAN %#x, expected %#x", m.Flags, m.VLAN, c.vlan)
			}
			if m.Port != 3 || m.Queue != 0 || m.Time != 42 {
				t.Errorf("port %d queue %d time %d, expected 3, 0, 42", m.Port, m.Queue, m.Time)
			}
		})
	}
}

// A tag does not count towards the MTU; one octet of payload too many does, tagged or not.
func TestReceiveBoundary(t *testing.T) {
	r := newRig(t, Options{})
	full, more := bytes.Repeat([]byte{0xa5}, defaultMTU), bytes.Repeat([]byte{0xa5}, defaultMTU+1)
	r.inject(frame(ipv4, full), frame(ipv4, more), frame(tag, ipv4, full), frame(tag, ipv4, more), frame([]byte{8}))
	for _, m := range r.receive(2) {
		if m.Len() != etherLen+defaultMTU {
			t.Errorf("received %d octets, expected %d", m.Len(), etherLen+defaultMTU)
		}
	}
	s := r.port.Stats()
	if want := (pmd.Stats{RxPackets: 2, RxOctets: 2 * (etherLen + defaultMTU), RxErrors: 3}); s != want {
		t.Errorf("stats %+v, expected %+v", s, want)
	}
}

// A raw link has no tags: what looks like one is payload, and the flag of an mbuf that came from elsewhere is ignored.
func TestRawLinkLeavesOctetsAlone(t *testing.T) {
	r := newRig(t, Options{Link: pmd.RawIP, MAC: [6]byte{2}})
	f := frame(tag, ipv4)
	r.inject(f)
	if m := r.receive(1)[0]; !bytes.Equal(m.Data(), f) || m.Flags&mbuf.FlagVLAN != 0 {
		t.Errorf("received %x with flags %#x, expected %x", m.Data(), m.Flags, f)
	}
	ms := r.mbufs(f)
	ms[0].Flags |= mbuf.FlagVLAN
	r.port.Tx(0).TxBurst(ms)
	if got := r.wire(); !bytes.Equal(got, f) {
		t.Errorf("sent %x, expected %x", got, f)
	}
	if mac := r.port.Info().MAC; mac != [6]byte{} {
		t.Errorf("a raw link has the address %x", mac)
	}
}

// FuzzUntag: whatever a peer sends, addresses and payload survive and a removed tag can be put back exactly.
func FuzzUntag(f *testing.F) {
	for _, seed := range [][]byte{nil, macs, frame(tag), frame(tag, ipv4), frame(ipv4), frame(tag, tag, ipv4, []byte("x"))} {
		f.Add(seed)
	}
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "fuzz", N2K: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), mbuf.Class2K.Size())]
		m := pool.Get(len(b))
		defer pool.Put(m)
		copy(m.Append(len(b)), b)
		untag(m)
		if m.Flags&mbuf.FlagVLAN == 0 {
			if !bytes.Equal(m.Data(), b) {
				t.Fatalf("untagged %x became %x", b, m.Data())
			}
			return
		}
		again := append(append(append([]byte{}, m.Data()[:macsLen]...), 0x81, 0, byte(m.VLAN>>8), byte(m.VLAN)), m.Data()[macsLen:]...)
		if !bytes.Equal(again, b) {
			t.Fatalf("%x became %x with tag %#x", b, m.Data(), m.VLAN)
		}
	})
}
