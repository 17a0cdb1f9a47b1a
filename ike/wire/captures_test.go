package wire_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"stillwater/ike/wire"
	"stillwater/pmd/pcappmd"
)

// capturesDir returns the folder of recorded sessions between strongSwan 6.1 and libreswan 5.2 peers, or skips.
func capturesDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.Getenv("STILLWATER_INTEROP"), "captures")
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		t.Skip("SKIP: no recorded sessions: set STILLWATER_INTEROP")
	}
	return dir
}

// readJSON reads a file of the recordings.
func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// TestKAT011_Captures reads every IKE message of the recorded sessions, sealed ones decrypted with the recorded keys: each
// is written again as it was, and there are as many of each exchange as the recorder's own decoder counted.
func TestKAT011_Captures(t *testing.T) {
	dir := capturesDir(t)
	var manifest struct {
		Captures map[string]struct {
			Counts map[string]int `json:"packets_by_check"`
		}
	}
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	if len(manifest.Captures) < 8 {
		t.Fatalf("%d sessions in the manifest", len(manifest.Captures))
	}
	for session, v := range manifest.Captures {
		t.Run(session, func(t *testing.T) {
			if session == "tcp" {
				t.Skip("SKIP: a stream, and recorded without IKE keys")
			}
			want := maps.Clone(v.Counts)
			maps.DeleteFunc(want, func(k string, _ int) bool { return len(k) < 4 || k[:4] != "ike " })
			if len(want) < 4 {
				t.Fatalf("the manifest counts %v", want)
			}
			r := recording{t: t, keys: recordedKeys(t, filepath.Join(dir, session+".keys.json")), counts: map[string]int{}}
			r.replay(filepath.Join(dir, session+".pcap"))
			if !maps.Equal(r.counts, want) {
				t.Errorf("read %v\nwant %v", r.counts, want)
			}
			if len(r.chunks) != 0 {
				t.Errorf("fragments left over: %d", len(r.chunks))
			}
		})
	}
}

// recording is one session while it is replayed.
type recording struct {
	t      *testing.T
	keys   [][]byte // AES-GCM keys with salt, of all IKE SAs
	counts map[string]int
	chunks []byte // of the message whose fragments are coming in
	first  wire.PayloadType
}

// recordedKeys returns the encryption keys of a session.
func recordedKeys(t *testing.T, path string) (keys [][]byte) {
	t.Helper()
	var session struct {
		Keys []struct{ Name, Hex string } `json:"ike_keys_in_log_order"`
	}
	readJSON(t, path, &session)
	for _, k := range session.Keys {
		if k.Name != "Sk_ei" && k.Name != "Sk_er" {
			continue
		}
		b, err := hex.DecodeString(k.Hex)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, b)
	}
	return keys
}

// replay hands every IKE message of a capture to message.
func (r *recording) replay(path string) {
	in, err := pcappmd.OpenReader(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer in.Close()
	for {
		p, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.t.Fatal(err)
		}
		if b := ikeMessage(p.Data); b != nil {
			r.message(b)
		}
	}
}

// ikeMessage returns what an Ethernet frame has behind UDP port 500, or behind port 4500 and the marker; else nil.
func ikeMessage(frame []byte) []byte {
	udp := 14 + 40
	if binary.BigEndian.Uint16(frame[12:]) == 0x0800 {
		udp = 14 + int(frame[14]&15)*4
		if later := binary.BigEndian.Uint16(frame[20:])&0x1fff != 0; later || frame[23] != 17 {
			return nil
		}
	} else if frame[12] != 0x86 || frame[20] != 17 {
		return nil
	}
	ports, payload := frame[udp:udp+4], frame[udp+8:udp+int(binary.BigEndian.Uint16(frame[udp+4:]))]
	if bytes.Contains(ports, []byte{0x11, 0x94}) {
		marked := bytes.HasPrefix(payload, make([]byte, 4))
		if !marked {
			return nil
		}
		return payload[4:]
	}
	if bytes.Contains(ports, []byte{0x01, 0xf4}) {
		return payload
	}
	return nil
}

// message reads one message and, where it is sealed, what is inside.
func (r *recording) message(b []byte) {
	m, err := wire.Parse(b)
	if err != nil {
		r.t.Fatalf("%v: %x", err, b)
	}
	if got := m.Append(nil); !bytes.Equal(got, b) {
		r.t.Fatalf("%x became %x", b, got)
	}
	kind, direction := "clear", "req"
	if m.Header.Response() {
		direction = "resp"
	}
	switch p := m.Payloads[len(m.Payloads)-1].(type) {
	case wire.SK:
		kind = "ok"
		r.inside(p.First, r.open(b[:p.Offset+4], p.Body))
	case wire.SKF:
		kind = "ok frag"
		r.fragment(p, b[:p.Offset+8])
	}
	r.counts[fmt.Sprintf("ike %v %s %s", m.Header.Exchange, direction, kind)]++
}

// fragment takes one fragment; they were recorded in order (RFC 7383 2.5).
func (r *recording) fragment(p wire.SKF, aad []byte) {
	if p.Number == 1 {
		r.first, r.chunks = p.First, nil
	}
	r.chunks = append(r.chunks, r.open(aad, p.Body)...)
	if p.Number == p.Total {
		r.inside(r.first, r.chunks)
		r.chunks = nil
	}
}

// open decrypts and takes the padding off, with whichever key fits (RFC 5282).
func (r *recording) open(aad, body []byte) []byte {
	for _, key := range r.keys {
		salt := key[len(key)-4:]
		block, err := aes.NewCipher(key[:len(key)-4])
		if err != nil {
			r.t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			r.t.Fatal(err)
		}
		nonce := append(bytes.Clone(salt), body[:8]...)
		if text, err := gcm.Open(nil, nonce, body[8:], aad); err == nil {
			return text[:len(text)-1-int(text[len(text)-1])]
		}
	}
	r.t.Fatalf("no key opens %x", body)
	return nil
}

// inside reads a decrypted chain and writes it again.
func (r *recording) inside(first wire.PayloadType, b []byte) {
	ps, err := wire.ParsePayloads(first, b, wire.InnerLimits, true)
	if err != nil {
		r.t.Fatalf("%v: %x", err, b)
	}
	if again, got := wire.AppendPayloads([]byte{}, ps); again != first || !bytes.Equal(got, b) {
		r.t.Fatalf("%v %x became %v %x", first, b, again, got)
	}
	for _, p := range ps {
		if u, ok := p.(wire.Unknown); ok {
			r.t.Errorf("a recorded payload is unknown: %v", u.T)
		}
	}
}
