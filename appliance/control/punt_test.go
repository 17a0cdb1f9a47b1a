package control

import (
	"bytes"
	"encoding/binary"
	"testing"

	"stillwater/ike"
)

// TestIKEReachesTheEngine: datagrams for port 500 and, behind the marker, for 4500 come from the wire to the engine and from the
// engine to the wire (UDP-003).
func TestIKEReachesTheEngine(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.send(outsidePort, ipv4("192.0.2.9", "192.0.2.1", 17, udp(500, 500, []byte("first")...)...))
	r.send(outsidePort, ipv4("192.0.2.9", "192.0.2.1", 17, udp(4500, 4500, append(make([]byte, 4), "other, long enough for a header"...)...)...))
	r.settle()
	if len(r.fake.received) != 2 || string(r.fake.received[0].Data) != "first" || string(r.fake.received[1].Data) != "other, long enough for a header" {
		t.Fatalf("received %+v", r.fake.received)
	}
	if _, punted, _ := r.Counts(); punted < 2 {
		t.Errorf("%d punted", punted)
	}
	r.receive(outsidePort)
	answer := r.fake.received[1]
	answer.Data = []byte("answer")
	r.fake.effects.Datagrams = []ike.Datagram{answer, {Local: answer.Local, Remote: answer.Remote, Keepalive: true}}
	r.settle()
	frames := r.receive(outsidePort)
	if len(frames) != 2 || string(frames[0][28:]) != "\x00\x00\x00\x00answer" || !bytes.Equal(frames[1][28:], []byte{0xff}) {
		t.Errorf("sent %q", frames)
	}
}

// TestUnsendable: what cannot be sent is counted; the engine repeats it in time.
func TestUnsendable(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.fake.effects.Datagrams = []ike.Datagram{{Local: outerTo(2).Remote, Remote: outerTo(3).Remote, Data: []byte("x")}} // not an own address
	r.settle()
	if r.event("send_failed") != 1 {
		t.Error("not counted")
	}
}

// fragments cuts a packet in two at a multiple of 8 octets.
func fragments(ip []byte, at int) (first, second []byte) {
	cut := func(payload []byte, offset int, more uint16) []byte {
		f := append(append([]byte(nil), ip[:20]...), payload...)
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		binary.BigEndian.PutUint16(f[4:], 77)
		binary.BigEndian.PutUint16(f[6:], more|uint16(offset/8))
		f[10], f[11] = 0, 0
		binary.BigEndian.PutUint16(f[10:], checksum(f[:20]))
		return f
	}
	return cut(ip[20:20+at], 0, 0x2000), cut(ip[20+at:], at, 0)
}

// TestESP018_Fragments: fragments of IKE become a datagram for the engine, fragments of ESP a packet for the lcores.
func TestESP018_Fragments(t *testing.T) {
	r := newRig(t, rigConfig{})
	message := bytes.Repeat([]byte("fragment"), 20)
	first, second := fragments(ipv4("192.0.2.9", "192.0.2.1", 17, udp(500, 500, message...)...), 80)
	r.send(outsidePort, second)
	r.send(outsidePort, first)
	r.settle()
	if len(r.fake.received) != 1 || !bytes.Equal(r.fake.received[0].Data, message) {
		t.Errorf("received %+v", r.fake.received)
	}
	r.fake.calls = nil
	first, second = fragments(ipv4("192.0.2.9", "192.0.2.1", 50, append([]byte{0, 0, 0x10, 1, 0, 0, 0, 1}, message...)...), 80)
	r.send(outsidePort, first)
	r.send(outsidePort, second)
	r.settle()
	if len(r.fake.calls) != 1 || r.fake.calls[0] != "unknown 192.0.2.1:0 192.0.2.9:0 1001" {
		t.Errorf("the whole ESP packet was not opened: %q", r.fake.calls)
	}
}

// TestICMPErrors: the sender hears why its packet was not forwarded, from the address of the port that it
// came in by.
func TestICMPErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(ip []byte) []byte
		icmp      byte
		code, mtu uint16
	}{
		"SPD-022 time exceeded": {func(ip []byte) []byte { ip[8] = 1; return ip }, 11, 0, 0},
		"SPD-071 too big":       {func(ip []byte) []byte { ip[6] = 0x40; return append(ip, make([]byte, 1500)...) }, 3, 4, 1446},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigConfig{text: onDemand})
			r.open(1, "10.2.0.0/16")
			r.settle()
			r.up(1, r.newSA(0, true))
			ip := c.change(ipv4("10.1.0.9", "10.2.0.9", 253))
			binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
			ip[10], ip[11] = 0, 0
			binary.BigEndian.PutUint16(ip[10:], checksum(ip[:20]))
			r.send(insidePort, ip)
			r.settle()
			frames := r.receive(insidePort)
			if len(frames) != 1 {
				t.Fatalf("%d packets to the sender, drops %v", len(frames), r.drops())
			}
			f := frames[0]
			if !bytes.Equal(f[12:20], []byte{10, 1, 0, 1, 10, 1, 0, 9}) || f[9] != 1 || f[20] != c.icmp || uint16(f[21]) != c.code {
				t.Errorf("% x", f)
			}
			if mtu := binary.BigEndian.Uint16(f[26:]); c.mtu != 0 && mtu != c.mtu {
				t.Errorf("MTU %d, expected %d", mtu, c.mtu)
			}
		})
	}
}

// TestMailIsBounded: what the engine does not get to is lost beyond a bound, and counted.
func TestMailIsBounded(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.fake.received = nil
	for range maxMail + 5 {
		r.inbox.datagram(hostDatagram)
	}
	r.step()
	if len(r.fake.received) != maxMail || r.event("mail_lost") != 5 {
		t.Errorf("%d received, %d lost", len(r.fake.received), r.event("mail_lost"))
	}
}
