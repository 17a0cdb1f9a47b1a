package esp_test

import (
	"bytes"
	"testing"

	"stillwater/crypto/esp"
)

// UDP-T01.
func TestUDP005_Demux(t *testing.T) {
	zeros := make([]byte, 64)
	for _, c := range []struct {
		name    string
		payload []byte
		want    esp.Kind
	}{
		{"empty", nil, esp.KindDrop},
		{"UDP-004 keepalive", []byte{0xff}, esp.KindKeepalive},
		{"one octet, not 0xff", []byte{0xfe}, esp.KindDrop},
		{"two octets", []byte{0xff, 0xff}, esp.KindDrop},
		{"three octets", []byte{1, 2, 3}, esp.KindDrop},
		{"four octets of SPI", []byte{0, 0, 1, 0}, esp.KindESP},
		{"UDP-001 SPI with zero octets", append([]byte{0, 0, 0, 1}, zeros...), esp.KindESP},
		{"keepalive with more behind it", append([]byte{0xff}, zeros...), esp.KindESP},
		{"marker alone", zeros[:4], esp.KindDrop},
		{"marker and 27 octets", zeros[:31], esp.KindDrop},
		{"UDP-003 marker and an IKE header", zeros[:32], esp.KindIKE},
		{"marker and more", zeros, esp.KindIKE},
	} {
		t.Run(c.name, func(t *testing.T) {
			if k := esp.DemuxUDP(c.payload); k != c.want {
				t.Errorf("kind %d, want %d", k, c.want)
			}
		})
	}
}

func TestESP001_ParseSPI(t *testing.T) {
	packet := []byte{0x01, 0x02, 0x03, 0x04, 0, 0, 0, 1, 9}
	for n := range packet {
		spi, ok := esp.ParseSPI(packet[:n])
		if ok != (n >= 8) || ok && spi != 0x01020304 {
			t.Errorf("%d octets: %#x, %v", n, spi, ok)
		}
	}
}

// FuzzDemuxUDP holds DemuxUDP against the rules of RFC 3948 one by one.
func FuzzDemuxUDP(f *testing.F) {
	for _, n := range []int{0, 1, 2, 3, 4, 31, 32} {
		f.Add(make([]byte, n))
		f.Add(bytes.Repeat([]byte{0xff}, n))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 65535 {
			return
		}
		k := esp.DemuxUDP(b)
		marker := len(b) >= 4 && bytes.Equal(b[:4], make([]byte, 4))
		switch {
		case (k == esp.KindKeepalive) != bytes.Equal(b, []byte{0xff}),
			(k == esp.KindIKE) != (marker && len(b) >= 32),
			(k == esp.KindESP) != (len(b) >= 4 && !marker):
			t.Errorf("% x is kind %d", b, k)
		}
	})
}
