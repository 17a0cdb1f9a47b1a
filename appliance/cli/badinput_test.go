package cli

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// good is a bench with a small capture and its keys.
func good(t testing.TB, verb string) (*bench, *foreignSA) {
	r := newRand(t)
	b, s := newBench(t), newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 3, 60)
	if verb == "decap" {
		packets = sealAll(s, 1, 100, packets)
	}
	b.write(b.in, rawFormat.encode(recordsOf(packets)))
	b.write(b.keys, []byte(s.keys()))
	return b, s
}

var bothVerbs = []string{"decap", "encap"}

// TestPcapTruncated cuts a capture at every offset: between two records it is a shorter capture, anywhere else an error
// that names the file, and no output.
func TestPcapTruncated(t *testing.T) {
	for _, verb := range bothVerbs {
		for _, f := range []format{rawFormat, formats[6]} {
			b, _ := good(t, verb)
			packets := readRaw(t, b.in)
			whole := f.encode(recordsOf(packets))
			ends := map[int]bool{}
			for i := range len(packets) + 1 {
				ends[len(f.encode(recordsOf(packets[:i])))] = true
			}
			for n := range whole {
				b.write(b.in, whole[:n])
				o := b.pcap(verb)
				if !ends[n] {
					b.refused(o, b.in)
					b.nothingLeft()
				} else if o.status != exitOK {
					t.Errorf("%s %s: %d whole octets: %s", verb, f.name, n, o.stderr)
				} else {
					os.Remove(b.out)
				}
				if t.Failed() {
					t.Fatalf("%s %s: cut at %d of %d", verb, f.name, n, len(whole))
				}
			}
		}
	}
}

// TestPcapBadFiles has something else in the place of each of the three files.
func TestPcapBadFiles(t *testing.T) {
	for _, verb := range bothVerbs {
		for name, c := range map[string]struct {
			damage func(b *bench)
			names  func(b *bench) string
		}{
			"input is a directory":    {func(b *bench) { b.in = b.dir }, func(b *bench) string { return b.dir }},
			"input is missing":        {func(b *bench) { b.in = filepath.Join(b.dir, "no.pcap") }, func(b *bench) string { return "no.pcap" }},
			"input is text":           {func(b *bench) { b.write(b.in, []byte("this is no capture at all\n")) }, func(b *bench) string { return b.in }},
			"input is empty":          {func(b *bench) { b.write(b.in, nil) }, func(b *bench) string { return b.in }},
			"input of another link":   {func(b *bench) { b.write(b.in, classic(binary.LittleEndian, 0xa1b2c3d4, 113, nil, bare)) }, func(b *bench) string { return "LINUX_SLL" }},
			"keys are a directory":    {func(b *bench) { b.keys = b.dir }, func(b *bench) string { return b.dir }},
			"keys are missing":        {func(b *bench) { b.keys = filepath.Join(b.dir, "no.toml") }, func(b *bench) string { return "no.toml" }},
			"keys are no TOML":        {func(b *bench) { b.write(b.keys, []byte("[[sa]\n")) }, func(b *bench) string { return b.keys }},
			"no SA":                   {func(b *bench) { b.write(b.keys, nil) }, func(b *bench) string { return "sa" }},
			"output in no folder":     {func(b *bench) { b.out = filepath.Join(b.dir, "no", "out.pcap") }, func(b *bench) string { return b.out }},
			"output is a directory":   {func(b *bench) { b.out = b.dir }, func(b *bench) string { return b.dir }},
			"output is the input":     {func(b *bench) { b.out = b.in }, func(b *bench) string { return b.in }},
			"output is the key file":  {func(b *bench) { b.out = b.keys }, func(b *bench) string { return b.keys }},
			"output links to input":   {func(b *bench) { os.Link(b.in, b.out) }, func(b *bench) string { return b.out }},
			"output is input by name": {func(b *bench) { b.out = b.dir + "/./in.pcap" }, func(b *bench) string { return "in.pcap" }},
		} {
			t.Run(verb+"/"+name, func(t *testing.T) {
				b, _ := good(t, verb)
				in, keys := b.in, b.keys
				c.damage(b)
				before, beforeKeys := content(in), content(keys)
				b.refused(b.pcap(verb), c.names(b))
				if content(in) != before || content(keys) != beforeKeys {
					t.Error("the call has changed its input")
				}
				b.in, b.keys = in, keys
				b.nothingLeft(map[bool]string{true: b.out, false: in}[strings.Contains(name, "links")])
			})
		}
	}
}

func content(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// TestDecapWrongKeys has keys that do not fit the capture: an error that names the SA, no empty output.
func TestDecapWrongKeys(t *testing.T) {
	for name, change := range map[string]func(s *foreignSA){
		"key":  func(s *foreignSA) { s.keymat[3] ^= 1 },
		"salt": func(s *foreignSA) { s.keymat[s.key] ^= 1 },
		"alg": func(s *foreignSA) {
			s.transform, s.keymat = transforms[7], s.keymat[:20] // aes128gmac has keys of the same length
		},
		"esn":            func(s *foreignSA) { s.esn = true },
		"esn_initial_hi": func(s *foreignSA) { s.esn, s.hi = true, 5 },
		"mode":           func(s *foreignSA) { s.tunnel = true },
	} {
		t.Run(name, func(t *testing.T) {
			b, s := good(t, "decap")
			change(s)
			b.write(b.keys, []byte(s.keys()))
			b.refused(b.pcap("decap"), "0x1001", "key")
			b.nothingLeft()
		})
	}
}

// TestDecapOtherSPI has the key of some other SA: an error that names the SPI of the capture, no empty output.
func TestDecapOtherSPI(t *testing.T) {
	b, s := good(t, "decap")
	b.write(b.keys, []byte(strings.Replace(s.keys(), "0x1001", "0x1002", 1)))
	b.refused(b.pcap("decap"), "0x1001", "SPI")
	b.nothingLeft()
}

// TestPcapBadKeyFile has mistakes in the key file: each error names file, line and key, and never shows key material.
func TestPcapBadKeyFile(t *testing.T) {
	for name, c := range map[string]struct{ old, new, names string }{
		"short key":         {`key = "`, `key = "00`, "key"},
		"odd key":           {`key = "`, `key = "0`, "key"},
		"no hex":            {`key = "`, `key = "zz`, "key"},
		"unknown key":       {"esn = ", "esm = ", "esm"},
		"wrong type":        {"esn = false", `esn = "no"`, "esn"},
		"unknown encr":      {"aes128gcm16", "aes128gmc16", "aes128gcm16"},
		"integ missing":     {"aes128gcm16", "aes128", "integ"},
		"unknown mode":      {`"iptfs"`, `"iptsf"`, "mode"},
		"reserved SPI":      {"0x1001", "0xff", "spi"},
		"mixed families":    {"192.0.2.2", "2001:db8::2", "dst"},
		"hi without esn":    {"esn_initial_hi = 0", "esn_initial_hi = 1", "esn_initial_hi"},
		"negative window":   {"encap =", "reorder_window = -1\nencap =", "reorder_window"},
		"unknown table":     {"[[sa]]", "[[as]]", "as"},
		"key twice":         {"esn = false", "esn = false\nesn = false", "esn"},
		"the same SA again": {"[[sa]]", "", "spi"},
	} {
		for _, verb := range bothVerbs {
			t.Run(verb+"/"+name, func(t *testing.T) {
				b, s := good(t, verb)
				text := s.keys()
				if name == "the same SA again" {
					text += text
				} else if !strings.Contains(text, c.old) {
					t.Fatalf("no %q in %s", c.old, text)
				} else {
					text = strings.Replace(text, c.old, c.new, 1)
				}
				b.write(b.keys, []byte(text))
				o := b.pcap(verb)
				b.refused(o, c.names, b.keys+":")
				if hexKey := fmt.Sprintf("%x", s.keymat); strings.Contains(o.stderr, hexKey) || strings.Contains(o.stderr, hexKey[2:]) {
					t.Errorf("the error shows the key: %s", o.stderr)
				}
				b.nothingLeft()
			})
		}
	}
}

// TestPcapKeepsOldOutput leaves an older output as it is when a run fails.
func TestPcapKeepsOldOutput(t *testing.T) {
	b, s := good(t, "decap")
	b.write(b.out, []byte("older"))
	s.keymat[0] ^= 1
	b.write(b.keys, []byte(s.keys()))
	b.refused(b.pcap("decap"), "0x1001")
	if content(b.out) != "older" {
		t.Errorf("the output is now %q", content(b.out))
	}
	b.nothingLeft(b.out)
}

// TestEncapTooLarge drops by name what no IP packet can carry.
func TestEncapTooLarge(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	for _, tunnel := range []bool{true, false} {
		s.tunnel = tunnel
		packets := innerPackets(r, 3, 60000, 65535, 100)
		large := ip6(outer6[0], outer6[1], 59, randomOctets(r, 65535))
		outer, c := newBench(t).encap(rawFormat, s.keys(), recordsOf(append(packets, large)))
		want := packets
		if tunnel {
			want = [][]byte{packets[0], packets[2]}
		}
		samePackets(t, "what fits", contentOf(t, s, openAll(t, s, 1, outer)).packets, want)
		if int(total(*c.Drops)) != 4-len(want) {
			t.Errorf("drops %v, expected %d", *c.Drops, 4-len(want))
		}
	}
}
