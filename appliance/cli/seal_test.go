package cli

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ESP written down a second time, from RFC 4303, 4106, 4543, 7634, 8750, 3602, 4868 and 3948, with the standard library and
// the ChaCha20-Poly1305 beside it.

// transform is one algorithm of a foreign SA.
type transform struct {
	encr, integ    string
	key, salt, iv  int // octets; key includes the integrity key
	icv, block     int
	newHash        func() hash.Hash
	implicit, gmac bool
}

var transforms = []transform{
	{encr: "aes128gcm16", key: 16, salt: 4, iv: 8, icv: 16, block: 4},
	{encr: "aes192gcm16", key: 24, salt: 4, iv: 8, icv: 16, block: 4},
	{encr: "aes256gcm16", key: 32, salt: 4, iv: 8, icv: 16, block: 4},
	{encr: "chacha20poly1305", key: 32, salt: 4, iv: 8, icv: 16, block: 4},
	{encr: "aes128gcm16iiv", key: 16, salt: 4, icv: 16, block: 4, implicit: true},
	{encr: "aes256gcm16iiv", key: 32, salt: 4, icv: 16, block: 4, implicit: true},
	{encr: "chacha20poly1305iiv", key: 32, salt: 4, icv: 16, block: 4, implicit: true},
	{encr: "aes128gmac", key: 16, salt: 4, iv: 8, icv: 16, block: 4, gmac: true},
	{encr: "aes256gmac", key: 32, salt: 4, iv: 8, icv: 16, block: 4, gmac: true},
	{encr: "aes128", integ: "sha256", key: 16 + 32, iv: 16, icv: 16, block: 16, newHash: sha256.New},
	{encr: "aes192", integ: "sha384", key: 24 + 48, iv: 16, icv: 24, block: 16, newHash: sha512.New384},
	{encr: "aes256", integ: "sha512", key: 32 + 64, iv: 16, icv: 32, block: 16, newHash: sha512.New},
	{encr: "null", integ: "sha256", key: 32, icv: 16, block: 4, newHash: sha256.New},
}

// String names the transform as a proposal does.
func (x *transform) String() string { return strings.TrimSuffix(x.encr+"-"+x.integ, "-") }

// foreignSA is an SA of the other implementation.
type foreignSA struct {
	transform
	spi        uint32
	keymat     []byte
	esn        bool
	hi         uint32 // high half where the capture starts, for the key file
	src, dst   netip.Addr
	udp        bool
	srcPort    uint16
	dstPort    uint16
	tunnel     bool
	extraLines string // of the key file
}

var (
	outer4 = [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	outer6 = [2]netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}
)

// newForeign makes an SA over IPv4, AGGFRAG, 32-bit numbers; tests change what they are about.
func newForeign(x transform, random []byte) *foreignSA {
	return &foreignSA{transform: x, spi: 0x1001, keymat: random[:x.key+x.salt], src: outer4[0], dst: outer4[1], srcPort: 4500, dstPort: 4500}
}

// keys is the [[sa]] of the key file.
func (s *foreignSA) keys() string {
	mode, encap, integ := "iptfs", "none", ""
	if s.tunnel {
		mode = "tunnel"
	}
	if s.udp {
		encap = "udp"
	}
	if s.integ != "" {
		integ = fmt.Sprintf("integ = %q\n", s.integ)
	}
	return fmt.Sprintf("[[sa]]\nspi = %#x\nencr = %q\n%skey = \"%x\"\nmode = %q\nesn = %v\nesn_initial_hi = %d\nsrc = %q\ndst = %q\nencap = %q\n%s\n",
		s.spi, s.encr, integ, s.keymat, mode, s.esn, s.hi, s.src, s.dst, encap, s.extraLines)
}

// aad is what is authenticated in front of the IV: SPI and sequence number, all 64 bits of it with ESN (RFC 4106 5).
func (s *foreignSA) aad(seq uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, s.spi)
	if s.esn {
		return binary.BigEndian.AppendUint64(b, seq)
	}
	return binary.BigEndian.AppendUint32(b, uint32(seq))
}

// nonce is salt and IV; an implicit IV is the sequence number (RFC 8750 3).
func (s *foreignSA) nonce(seq uint64, iv []byte) []byte {
	if s.implicit {
		iv = binary.BigEndian.AppendUint64(nil, seq)
	}
	return slices.Concat(s.keymat[s.key:], iv)
}

func (s *foreignSA) aead() cipher.AEAD {
	if strings.HasPrefix(s.encr, "chacha") {
		a, err := chacha20poly1305.New(s.keymat[:s.key])
		if err != nil {
			panic(err)
		}
		return a
	}
	block, err := aes.NewCipher(s.keymat[:s.key])
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return a
}

// tag is the HMAC of RFC 4868 over header, IV and text, and the high half of the number with ESN (RFC 4303 2.2.1).
func (s *foreignSA) tag(seq uint64, packet []byte) []byte {
	h := hmac.New(s.newHash, s.keymat[s.cipherKey():])
	h.Write(packet)
	if s.esn {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(seq>>32)))
	}
	return h.Sum(nil)[:s.icv]
}

// cipherKey is the octets of the cipher's key, in front of the integrity key.
func (s *foreignSA) cipherKey() int {
	if s.newHash == nil {
		return s.key
	}
	return s.key - s.newHash().Size()
}

// seal makes the outer IP packet number seq.
func (s *foreignSA) seal(seq uint64, nextHeader byte, payload []byte) []byte {
	text := slices.Clone(payload)
	for n := byte(1); (len(text)+2)%s.block != 0; n++ {
		text = append(text, n) // RFC 4303 2.4: 1, 2, 3, ...
	}
	text = append(text, byte(len(text)-len(payload)), nextHeader)
	packet := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, s.spi), uint32(seq))
	iv := bytes.Repeat([]byte{byte(seq), byte(seq >> 8), 0x5a, byte(seq >> 32)}, 4)[:s.iv]
	packet = append(packet, iv...)
	switch {
	case s.gmac:
		packet = s.aead().Seal(append(packet, text...), s.nonce(seq, iv), nil, slices.Concat(s.aad(seq), iv, text))
	case s.newHash == nil:
		packet = s.aead().Seal(packet, s.nonce(seq, iv), text, s.aad(seq))
	default:
		if s.cipherKey() > 0 {
			block, _ := aes.NewCipher(s.keymat[:s.cipherKey()])
			cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
		}
		packet = append(packet, text...)
		packet = append(packet, s.tag(seq, packet)...)
	}
	return s.outer(packet)
}

// outer puts IP and, where the SA says so, UDP in front.
func (s *foreignSA) outer(esp []byte) []byte {
	proto := byte(50)
	if s.udp {
		u := binary.BigEndian.AppendUint16(nil, s.srcPort)
		u = binary.BigEndian.AppendUint16(u, s.dstPort)
		u = binary.BigEndian.AppendUint16(u, uint16(8+len(esp)))
		proto, esp = 17, append(append(u, 0, 0), esp...)
	}
	if s.src.Is6() {
		return ip6(s.src, s.dst, proto, esp)
	}
	return ip4(s.src, s.dst, proto, esp)
}

// opened is one ESP packet taken apart.
type opened struct {
	seq        uint64
	iv         []byte
	padding    []byte
	nextHeader byte
	payload    []byte
	outerLen   int
}

// open takes an outer IP packet apart; hi is the high half of its sequence number.
func (s *foreignSA) open(ip []byte, hi uint32) (o opened, err error) {
	esp, err := s.strip(ip)
	if err != nil {
		return o, err
	}
	if len(esp) < 8+s.iv+s.icv || binary.BigEndian.Uint32(esp) != s.spi {
		return o, fmt.Errorf("%d octets of ESP with SPI %#x, expected %#x", len(esp), esp[:4], s.spi)
	}
	o.outerLen, o.seq = len(ip), uint64(binary.BigEndian.Uint32(esp[4:]))
	if s.esn {
		o.seq |= uint64(hi) << 32
	}
	o.iv = esp[8 : 8+s.iv]
	text, err := s.decrypt(esp, &o)
	if err != nil {
		return o, fmt.Errorf("packet %d: %w", o.seq, err)
	}
	if len(text) < 2 || int(text[len(text)-2]) > len(text)-2 {
		return o, fmt.Errorf("packet %d: pad length %d in %d octets", o.seq, text[len(text)-2], len(text))
	}
	end := len(text) - 2 - int(text[len(text)-2])
	o.payload, o.padding, o.nextHeader = text[:end], text[end:len(text)-2], text[len(text)-1]
	return o, nil
}

// decrypt checks and decrypts what follows the IV.
func (s *foreignSA) decrypt(esp []byte, o *opened) ([]byte, error) {
	body := esp[8+s.iv:]
	switch {
	case s.gmac:
		text, icv := body[:len(body)-s.icv], body[len(body)-s.icv:]
		_, err := s.aead().Open(nil, s.nonce(o.seq, o.iv), icv, slices.Concat(s.aad(o.seq), o.iv, text))
		return text, err
	case s.newHash == nil:
		return s.aead().Open(nil, s.nonce(o.seq, o.iv), body, s.aad(o.seq))
	}
	signed, icv := esp[:len(esp)-s.icv], esp[len(esp)-s.icv:]
	if !hmac.Equal(icv, s.tag(o.seq, signed)) {
		return nil, fmt.Errorf("HMAC differs")
	}
	text := slices.Clone(signed[8+s.iv:])
	if s.cipherKey() > 0 {
		if len(text)%16 != 0 {
			return nil, fmt.Errorf("%d octets are no blocks", len(text))
		}
		block, _ := aes.NewCipher(s.keymat[:s.cipherKey()])
		cipher.NewCBCDecrypter(block, o.iv).CryptBlocks(text, text)
	}
	return text, nil
}

// strip takes IP and UDP off and checks them: lengths, checksum, addresses, ports.
func (s *foreignSA) strip(ip []byte) ([]byte, error) {
	proto, rest, err := s.stripIP(ip)
	if err != nil || !s.udp {
		if err == nil && proto != 50 {
			err = fmt.Errorf("IP protocol %d, expected 50", proto)
		}
		return rest, err
	}
	if proto != 17 || len(rest) < 8 || int(binary.BigEndian.Uint16(rest[4:])) != len(rest) {
		return nil, fmt.Errorf("no UDP datagram: protocol %d, %x", proto, clip(rest))
	}
	if sport, dport := binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:]); sport != s.srcPort || dport != s.dstPort {
		return nil, fmt.Errorf("UDP ports %d and %d, expected %d and %d", sport, dport, s.srcPort, s.dstPort)
	}
	if sum := binary.BigEndian.Uint16(rest[6:]); s.src.Is6() && ones(slices.Concat(ip[8:40], []byte{0, 0, 0, 17}, rest[4:6], rest)) != 0xffff {
		return nil, fmt.Errorf("UDP checksum %#x is wrong", sum) // over IPv6 it is not optional (RFC 8200 8.1)
	}
	return rest[8:], nil
}

func (s *foreignSA) stripIP(ip []byte) (proto byte, rest []byte, err error) {
	var src, dst netip.Addr
	switch {
	case len(ip) >= 20 && ip[0] == 0x45 && int(binary.BigEndian.Uint16(ip[2:])) == len(ip) && ones(ip[:20]) == 0xffff:
		src, dst = netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
		proto, rest = ip[9], ip[20:]
	case len(ip) >= 40 && ip[0]>>4 == 6 && int(binary.BigEndian.Uint16(ip[4:])) == len(ip)-40:
		src, dst = netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
		proto, rest = ip[6], ip[40:]
	default:
		return 0, nil, fmt.Errorf("no whole IP packet: %x", clip(ip))
	}
	if src != s.src || dst != s.dst {
		return 0, nil, fmt.Errorf("outer addresses %v and %v, expected %v and %v", src, dst, s.src, s.dst)
	}
	return proto, rest, nil
}
