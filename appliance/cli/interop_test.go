package cli

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sessions are the recorded IKE sessions and how many ESP packets the manifest counts in each; in libreswan's, 12 IP
// fragments are 4 more. The TCP session is left out: ESP in TCP is no capture of datagrams.
var sessions = map[string]uint64{"cert": 18, "encap": 27, "iptfs": 18, "libreswan": 6 + 4, "mlkem": 54, "percpu": 27, "v6": 18}

// interopDir returns the folder of recorded sessions, or skips.
func interopDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("STILLWATER_INTEROP")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "interop")
	}
	dir = filepath.Join(dir, "captures")
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		t.Skip("SKIP: no recorded sessions: set STILLWATER_INTEROP")
	}
	return dir
}

// sessionSAs reads NAME.keys.json.
func sessionSAs(t testing.TB, name string) (sas []*foreignSA) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var session struct {
		SAs []struct {
			SPI, Src, Dst, Mode, Alg string
			Key                      string `json:"key_and_salt"`
			ESN                      bool
		} `json:"esp_sas"`
	}
	if err := json.Unmarshal(b, &session); err != nil {
		t.Fatal(err)
	}
	for _, v := range session.SAs {
		keymat, err := hex.DecodeString(v.Key)
		if err != nil || v.Alg != "rfc4106(gcm(aes))" {
			t.Fatalf("%s: algorithm %q, key of %d digits: %v", name, v.Alg, len(v.Key), err)
		}
		x := transforms[slices.IndexFunc(transforms, func(x transform) bool { return x.key+x.salt == len(keymat) })]
		sa := newForeign(x, keymat)
		sa.esn, sa.tunnel, sa.src, sa.dst = v.ESN, v.Mode == "tunnel", netip.MustParseAddr(v.Src), netip.MustParseAddr(v.Dst)
		if _, err := fmt.Sscanf(v.SPI, "0x%x", &sa.spi); err != nil {
			t.Fatalf("%s: SPI %q", name, v.SPI)
		}
		sas = append(sas, sa)
	}
	return sas
}

// wholeESP returns the packets of one SA in a session, as if there were no UDP; fragments are left out.
func wholeESP(sa *foreignSA, packets [][]byte) (out [][]byte) {
	plain := *sa
	for _, p := range packets {
		if proto, rest, err := sa.stripIP(p); err == nil && proto == 17 && binary.BigEndian.Uint16(rest[2:]) == 4500 {
			p = plain.outer(rest[8:])
		} else if err != nil || proto != 50 || p[0]>>4 == 4 && p[6]&0x3f != 0 {
			continue
		}
		if _, err := sa.open(p, 0); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// TestDecapSessions opens what strongSwan and libreswan negotiated and the kernel sent: SPIs with the top bit set, an SA for
// each CPU, UDP from random ports, IP fragments.
func TestDecapSessions(t *testing.T) {
	dir := interopDir(t)
	for name, outers := range sessions {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.in = filepath.Join(dir, name+".pcap")
			sas, keys := sessionSAs(t, filepath.Join(dir, name+".keys.json")), ""
			for _, sa := range sas {
				keys += sa.keys()
			}
			b.write(b.keys, []byte(keys))
			o := b.pcap("decap", "-json")
			if o.status != exitOK {
				t.Fatalf("status %d: %s", o.status, o.stderr)
			}
			c := tallyOf(t, o.stdout)
			if *c.Outer != outers || len(*c.Drops) != 0 {
				t.Errorf("%d ESP packets and drops %v, the manifest says %d", *c.Outer, *c.Drops, outers)
			}
			got := readRaw(t, b.out)
			checkEchoes(t, got)
			if name == "libreswan" {
				return // the independent reader does not put IP fragments together
			}
			want := 0
			for _, sa := range sas {
				inner := expected(t, sa, wholeESP(sa, readIP(t, b.in)), noHigh)
				samePackets(t, fmt.Sprintf("SA %#x", sa.spi), oneOf(got, inner), inner)
				want += len(inner)
			}
			if len(got) != want {
				t.Errorf("%d inner packets, the independent reader found %d", len(got), want)
			}
		})
	}
}

// checkEchoes fails unless packets are ICMP echo requests and replies to them, each behind its request. A request may stay
// without a reply: SAs for each CPU come into being by packets that are lost.
func checkEchoes(t *testing.T, packets [][]byte) {
	t.Helper()
	asked := map[string]int{}
	replies := 0
	for i, p := range packets {
		if len(p) < 28 || p[0] != 0x45 || p[9] != 1 || int(binary.BigEndian.Uint16(p[2:])) != len(p) ||
			ones(p[:20]) != 0xffff || ones(p[20:]) != 0xffff {
			t.Errorf("inner packet %d is no ICMP: %x", i, clip(p))
			continue
		}
		body := string(p[24:])
		switch p[20] {
		case 8:
			asked[body]++
		case 0:
			if replies++; asked[body] == 0 {
				t.Errorf("inner packet %d answers what nobody asked", i)
			}
			asked[body]--
		default:
			t.Errorf("inner packet %d has ICMP type %d", i, p[20])
		}
	}
	if replies == 0 || len(packets) > 2*replies+1 {
		t.Errorf("%d inner packets, %d of them replies, expected pairs", len(packets), replies)
	}
}
