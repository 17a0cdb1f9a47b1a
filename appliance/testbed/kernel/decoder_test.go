package kernel

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// aggfrag makes a payload with a basic header.
func aggfrag(offset int, blocks ...[]byte) []byte {
	b := []byte{0, 0, byte(offset >> 8), byte(offset)}
	return append(b, bytes.Join(blocks, nil)...)
}

// numbered makes an inner packet of n octets.
func numbered(i, n int) []byte {
	src, dst := netip.AddrPortFrom(ourInner[0].Addr(), 1000), netip.AddrPortFrom(kernelInner[0].Addr(), echoPort)
	return udp(src, dst, pattern(uint64(i), n-28))
}

// The stream reader finds every packet and the outer packets it was in.
func TestStreamFindsParts(t *testing.T) {
	a, b, c := numbered(1, 100), numbered(2, 900), numbered(3, 60)
	var s stream
	for n, p := range [][]byte{
		aggfrag(0, a, b[:3]),                 // a runt: its length is in the next payload
		aggfrag(897, b[3:300]),               // BlockOffset beyond the payload
		aggfrag(0, make([]byte, 200)),        // all padding between two parts
		aggfrag(600, b[300:], c, []byte{0}),  // the end, another packet, a pad block
		aggfrag(0),                           // nothing
		aggfrag(0, c, a, make([]byte, 1000)), // two whole packets
	} {
		if err := s.add(n, p); err != nil {
			t.Fatalf("payload %d: %v", n, err)
		}
	}
	want := []inner{{a, []int{0}}, {b, []int{0, 1, 2, 3}}, {c, []int{3}}, {c, []int{5}}, {a, []int{5}}}
	if len(s.found) != len(want) || s.pending != nil || s.allPad != 1 || s.padded != 2 {
		t.Fatalf("%d packets, pending %v, all padding %d, padded %d; expected %d packets", len(s.found), s.pending, s.allPad, s.padded, len(want))
	}
	for i, in := range s.found {
		if !bytes.Equal(in.packet, want[i].packet) || !slices.Equal(in.parts, want[i].parts) {
			t.Errorf("packet %d: %d octets in %v, expected %d in %v", i, len(in.packet), in.parts, len(want[i].packet), want[i].parts)
		}
	}
}

// The checks that live traffic passes do fail on what they are there for.
func TestStreamCatchesViolations(t *testing.T) {
	whole, long := numbered(1, 100), numbered(2, 900)
	ours := rules{minTail: 40, zeroPad: true}
	dirty := make([]byte, 50)
	dirty[49] = 1
	short := bytes.Clone(whole)
	binary.BigEndian.PutUint16(short[2:], 19)
	for want, c := range map[string]struct {
		rules    rules
		payloads [][]byte
	}{
		"sub-type 0 and reserved":             {ours, [][]byte{append([]byte{0, 1}, aggfrag(0, whole)[2:]...)}},
		"header 01000000":                     {ours, [][]byte{append([]byte{1}, aggfrag(0, whole)[1:]...)}},
		"payload of 3 octets":                 {ours, [][]byte{{0, 0, 0}}},
		"BlockOffset 7: expected 0":           {ours, [][]byte{aggfrag(7, whole)}},
		"BlockOffset 499: expected 500":       {ours, [][]byte{aggfrag(0, long[:400]), aggfrag(499, long[400:])}},
		"a block begins while":                {ours, [][]byte{aggfrag(0, long[:3]), aggfrag(0, whole)}},
		"a fragment of 39 octets in the tail": {ours, [][]byte{aggfrag(0, whole, long[:39])}},
		"a fragment of 20 octets in the tail": {ours, [][]byte{aggfrag(0, long[:880]), aggfrag(20, long[880:], long[:20])}},
		"expected none":                       {rules{whole: true}, [][]byte{aggfrag(0, long[:400])}},
		"octet 49 of a pad block of 50":       {ours, [][]byte{aggfrag(0, whole, dirty)}},
		"data block of type 5":                {ours, [][]byte{aggfrag(0, []byte{0x50})}},
		"IPv4 packet of 19 octets":            {ours, [][]byte{aggfrag(0, short)}},
	} {
		s := stream{rules: c.rules}
		var err error
		for n, p := range c.payloads {
			if err != nil {
				t.Fatalf("%s: too early: %v", want, err)
			}
			err = s.add(n, p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %s", err, want)
		}
	}
}

// A fragment that begins where a payload begins may be of any size, and so may one of the kernel's in a tail.
func TestStreamAllowsShortTails(t *testing.T) {
	whole, long := numbered(1, 100), numbered(2, 900)
	for name, c := range map[string]struct {
		rules   rules
		payload []byte
	}{
		"at the start": {rules{minTail: 40}, aggfrag(0, long[:20])},
		"in the tail":  {rules{}, aggfrag(0, whole, long[:20])},
		"40 octets":    {rules{minTail: 40}, aggfrag(0, whole, long[:40])},
	} {
		s := stream{rules: c.rules}
		if err := s.add(0, c.payload); err != nil || s.pending == nil {
			t.Errorf("%s: %v, pending %v", name, err, s.pending)
		}
	}
}

// The decoder refuses a packet of which one octet was changed, and one under another key.
func TestDecoderAuthenticates(t *testing.T) {
	key := bytes.Repeat([]byte{7}, aes128gcm.key)
	d := newDecoder(aes128gcm, spiIn, true, key)
	esp := sealGCM(key, 5, []byte{1, 2, 3, 4, 2, 1, 2, nextAGGFRAG})
	if _, err := d.decode(esp); err == nil || !strings.Contains(err.Error(), "padding 0201") {
		t.Errorf("padding 2, 1: %v", err)
	}
	esp = sealGCM(key, 5, []byte{1, 2, 3, 4, 1, 2, 2, nextAGGFRAG})
	p, err := d.decode(esp)
	if err != nil || p.seq != 5 || p.next != nextAGGFRAG || !bytes.Equal(p.data, []byte{1, 2, 3, 4}) {
		t.Fatalf("%+v, %v", p, err)
	}
	for i := range esp {
		changed := bytes.Clone(esp)
		changed[i] ^= 1
		if _, err := d.decode(changed); err == nil {
			t.Errorf("octet %d changed: accepted", i)
		}
	}
	if _, err := newDecoder(aes128gcm, spiIn, false, key).decode(esp); err == nil {
		t.Error("accepted without the upper half of the sequence number")
	}
	if _, err := newDecoder(aes128gcm, spiIn, true, bytes.Repeat([]byte{8}, aes128gcm.key)).decode(esp); err == nil {
		t.Error("accepted under another key")
	}
}

// sealGCM makes an ESP packet with a 64-bit sequence number; text has its padding.
func sealGCM(key []byte, seq uint32, text []byte) []byte {
	esp := binary.BigEndian.AppendUint32(nil, spiIn)
	aad := append(bytes.Clone(esp), 0, 0, 0, 0, 0, 0, 0, byte(seq))
	esp = binary.BigEndian.AppendUint32(esp, seq)
	iv := []byte{9, 9, 9, 9, 9, 9, 9, 9}
	nonce := append(bytes.Clone(key[16:]), iv...)
	return newGCM(key[:16]).Seal(append(esp, iv...), nonce, text, aad)
}

// What fragment cuts, assembler puts together, in every order.
func TestFragmentsComeTogether(t *testing.T) {
	for f := range ourInner {
		src, dst := netip.AddrPortFrom(ourInner[f].Addr(), 1000), netip.AddrPortFrom(kernelInner[f].Addr(), echoPort)
		packet := udp(src, dst, pattern(3, 4000))
		parts := fragment(packet, 1400, 77)
		if len(parts) != 3 {
			t.Fatalf("%d fragments, expected 3", len(parts))
		}
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
			a := assembler{}
			for i, n := range order {
				whole := a.add(parts[n])
				if last := i == len(order)-1; last != (whole != nil) || last && !bytes.Equal(whole, packet) {
					t.Fatalf("order %v, fragment %d: %x", order, n, whole)
				}
			}
			if len(a) != 0 {
				t.Errorf("order %v: something is left", order)
			}
		}
	}
}
