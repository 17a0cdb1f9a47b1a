package esp_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
)

// RFC 7634 appendix A: a whole packet.
const (
	rfc7634Inner = `45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213
		1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637`
	rfc7634Outer = `4500008c23450000 4032de5bcb007199 cb00710501020304 0000000510111213 1415161724039428 b97f417e3c13753a
		4f05087b67c352e6 a7fab1b982d466ef 407ae5c614ee8099 d52844eb61aa95df ab4c02f72aa71e7c 4c4f64c9befe2fac
		c638e8f3cbec163f ac469b502773f6fb 94e664da9165b828 29f641e076aaa826 6b7fb0f7b11b3699 07e1ad43`
)

func rfc7634Params(t *testing.T) *esp.Params {
	p := tunnelParams(suite.ChaCha20Poly1305)
	p.SPI, p.FirstSeq, p.DF = 0x01020304, 5, esp.DFClear
	p.Keymat = unhex(t, `808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3`)
	p.Src, p.Dst = netip.MustParseAddr("203.0.113.153"), netip.MustParseAddr("203.0.113.5")
	p.IVBase = 0x1011121314151617 - 5
	return p
}

func TestESP037_RFC7634AppendixA(t *testing.T) {
	p, inner, outer := rfc7634Params(t), unhex(t, rfc7634Inner), unhex(t, rfc7634Outer)
	sealed := sealOne(t, outbound(t, p), 4, inner)
	// The example's outer ID, 0x2345, is its sender's own, and with it the checksum.
	binary.BigEndian.PutUint16(sealed[4:], 0x2345)
	copy(sealed[10:12], outer[10:12])
	if !bytes.Equal(sealed, outer) {
		t.Errorf("outer packet\n%x, want\n%x", sealed, outer)
	}
	m := openOne(t, inbound(t, p), outer[20:])
	if !bytes.Equal(m.Data(), inner) || m.NextHeader != 4 || m.Seq != 5 {
		t.Errorf("%v, next header %d, seq %d: % x", m.Verdict, m.NextHeader, m.Seq, m.Data())
	}
}

// RFC 3602 4, cases 7 and 8: tunnel-mode packets without integrity. The ICV of the mandatory HMAC-SHA2-256-128 is put
// behind them here; what is proven is IV, cipher, padding and trailer.
func TestESP03B_RFC3602TunnelPackets(t *testing.T) {
	for i, c := range []struct {
		seq           uint64
		packet, inner string
	}{
		{2, `0000876500000002 f4e765244f6407adf13dc1380f673f37
			773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c6
			47752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d`,
			`45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f10111213
			1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637`},
		{5, `0000876500000005 85d47224b5f3dd5d2101d4ea8dffab22
			15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639
			b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892`,
			`45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffff
			ffffffffffffffffffffffffffffffffffffffff`},
	} {
		t.Run(fmt.Sprint("case ", 7+i), func(t *testing.T) {
			p := tunnelParams(suite.AES128CBCSHA256)
			p.SPI = 0x8765
			copy(p.Keymat, unhex(t, `0123456789abcdef0123456789abcdef`))
			packet := unhex(t, c.packet)
			mac := hmac.New(sha256.New, p.Keymat[16:])
			mac.Write(packet)
			m := openOne(t, inbound(t, p), append(packet, mac.Sum(nil)[:16]...))
			if !bytes.Equal(m.Data(), unhex(t, c.inner)) || m.Seq != c.seq {
				t.Errorf("%v, seq %d: % x", m.Verdict, m.Seq, m.Data())
			}
		})
	}
}

// Packets a Linux kernel sent: opened, and made again with the kernel's IV, bit for bit.
func TestESP032_LinuxPackets(t *testing.T) {
	for i, f := range lines(t, "testdata/linux.txt") {
		t.Run(fmt.Sprint(i, " ", f[0], " ", f[1]), func(t *testing.T) {
			payload, outer := unhex(t, f[3]), unhex(t, f[4])
			p := tunnelParams(suite.AES128GCM16)
			p.Keymat = unhex(t, `000102030405060708090a0b0c0d0e0fa0a1a2a3`)
			p.ESN = f[1] == "64"
			nh := uint8(4)
			if f[0] == "aggfrag" {
				p.Mode, nh = esp.ModeAGGFRAG, 144
			}
			_, err := fmt.Sscan(f[2], &p.FirstSeq)
			must(t, err)
			p.IVBase = binary.BigEndian.Uint64(outer[28:]) - p.FirstSeq

			m := openOne(t, inbound(t, p), outer[20:])
			if !bytes.Equal(m.Data(), payload) || m.NextHeader != nh || m.Seq != p.FirstSeq {
				t.Errorf("%v, next header %d, seq %d: % x", m.Verdict, m.NextHeader, m.Seq, m.Data())
			}
			if sealed := sealOne(t, outbound(t, p), nh, payload); !bytes.Equal(sealed, outer) {
				t.Errorf("outer packet\n%x, want\n%x", sealed, outer)
			}
		})
	}
}
