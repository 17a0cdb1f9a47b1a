package cli

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// fuzzKeys are two SAs with fixed keys, one of each mode, and a small window that keeps a run short.
func fuzzKeys() (text string, sas [2]*foreignSA) {
	key := bytes.Repeat([]byte{0x42}, 64)
	sas[0], sas[1] = newForeign(transforms[0], key), newForeign(transforms[9], append(key, key...))
	sas[0].esn, sas[0].extraLines = true, "reorder_window = 8"
	sas[1].spi, sas[1].tunnel, sas[1].udp = 0x80001002, true, true
	return sas[0].keys() + sas[1].keys(), sas
}

// mostInner bounds what n octets of capture can hold: a 20-octet inner packet is the shortest there is.
func mostInner(n int) int { return n / 20 }

// FuzzDecap opens arbitrary capture files: no panic, an end, and not more out of it than went in.
func FuzzDecap(f *testing.F) {
	keys, sas := fuzzKeys()
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range sas {
		outer := sealAll(s, 0xfffffffe, 100, innerPackets(r, 3, 40, 150)) // small: minimising a large input costs the fuzzer its time
		for _, form := range formats {
			f.Add(form.encode(recordsOf(outer)))
		}
		f.Add(rawFormat.encode(recordsOf(append(cut(outer[0], 48), outer[1:]...))))
	}
	// Payloads that lie, well sealed: the fuzzer cannot find these by itself.
	for _, lie := range [][]byte{{}, {0}, {0, 0, 0xff, 0xff, 0x45}, {0, 0, 0, 0, 0x45, 0, 0, 0}, {0, 0, 0, 3, 0x60, 0, 0}, {1, 0xff, 0, 0}, {9, 0, 0, 0}} {
		f.Add(rawFormat.encode(recordsOf([][]byte{sas[0].seal(1, 144, lie), sas[0].seal(2, 144, lie), sas[0].seal(3, 59, lie)})))
	}
	dir := f.TempDir()
	keyFile, in, out := filepath.Join(dir, "k.toml"), filepath.Join(dir, "in.pcap"), filepath.Join(dir, "out.pcap")
	if err := os.WriteFile(keyFile, []byte(keys), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, capture []byte) {
		if len(capture) > 1<<18 {
			t.Skip("SKIP: larger than what is of interest")
		}
		os.Remove(out)
		if err := os.WriteFile(in, capture, 0o600); err != nil {
			t.Fatal(err)
		}
		o := call("pcap", "decap", "-in", in, "-keys", keyFile, "-out", out, "-json")
		_, err := os.Stat(out)
		switch {
		case o.status == exitOK && err != nil:
			t.Fatalf("status 0 and no output: %v", err)
		case o.status != exitOK && err == nil:
			t.Fatalf("status %d and an output; %s", o.status, o.stderr)
		case o.status != exitOK && o.stderr == "":
			t.Fatalf("status %d and no error", o.status)
		case o.status != exitOK:
			return
		}
		if n := len(readRaw(t, out)); n > mostInner(len(capture)) {
			t.Fatalf("%d inner packets from %d octets", n, len(capture))
		}
	})
}

// cut turns an IPv4 packet into fragments of n octets each.
func cut(ip []byte, n int) (out [][]byte) {
	for at := 0; at < len(ip)-20; at += n {
		body := ip[20+at : min(20+at+n, len(ip))]
		p := append(append([]byte(nil), ip[:20]...), body...)
		field := uint16(at / 8)
		if 20+at+n < len(ip) {
			field |= 0x2000
		}
		out = append(out, mend(p, field))
	}
	return out
}

// mend sets flags and offset of an IPv4 packet, its length and its checksum.
func mend(p []byte, field uint16) []byte {
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	binary.BigEndian.PutUint16(p[6:], field)
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], ^ones(p[:20]))
	return p
}

// cut6 turns an IPv6 packet into fragments of n octets each (RFC 8200 4.5).
func cut6(ip []byte, id uint32, n int) (out [][]byte) {
	for at := 0; at < len(ip)-40; at += n {
		field, body := uint16(at), ip[40+at:min(40+at+n, len(ip))]
		if 40+at+n < len(ip) {
			field |= 1
		}
		head := append([]byte(nil), ip[:40]...)
		head[6] = 44
		head = binary.BigEndian.AppendUint16(append(head, ip[6], 0), field)
		p := append(binary.BigEndian.AppendUint32(head, id), body...)
		binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
		out = append(out, p)
	}
	return out
}
