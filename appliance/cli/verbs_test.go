package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "stillwater/pmd/softpmd"
)

// TestHelp explains every verb on standard output, whichever way it is asked for.
func TestHelp(t *testing.T) {
	for _, ask := range [][]string{{"help"}, {"-h"}, {"-help"}, {"--help"}} {
		o := mustPass(t, ask...)
		for _, v := range verbs {
			if !strings.Contains(o.stdout, v.name+" "+v.args) {
				t.Errorf("%q does not list %s", ask, v.name)
			}
		}
	}
	for verb, flags := range map[string][]string{
		"check": {"-json", "-keys"}, "run": {"-c FILE"}, "help": {"VERB"}, "drivers": {"drivers"},
		"show": {"TABLE", "failures", "-s SOCKET", "-json"}, "initiate": {"NAME[/CHILD]", "-s SOCKET", "-timeout", "-no-wait"},
		"terminate": {"NAME", "-timeout"}, "rekey": {"NAME", "-ike", "-child", "-timeout"},
		"demo": {"-duration", "-lcores", "-inner", "-mode", "-json"},
		"pcap": {"pcap decap", "pcap encap", "-in", "-keys", "-out", "-outer-size", "-json"},
	} {
		o := mustPass(t, "help", verb)
		for _, f := range flags {
			if !strings.Contains(o.stdout, f) {
				t.Errorf("help %s does not mention %s", verb, f)
			}
		}
		if o.stderr != "" {
			t.Errorf("help %s wrote to standard error: %s", verb, o.stderr)
		}
		if o := mustPass(t, verb, "-h"); o.stdout+o.stderr == "" {
			t.Errorf("%s -h says nothing", verb)
		}
	}
}

// TestUsageErrors ends with status 2 and a word on what is wrong; nothing runs.
func TestUsageErrors(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		names string
	}{
		"no verb":              {nil, "usage"},
		"unknown verb":         {[]string{"frob"}, `"frob"`},
		"help of unknown verb": {[]string{"help", "frob"}, `"frob"`},
		"two verbs":            {[]string{"help", "run", "demo"}, `"demo"`},
		"drivers of something": {[]string{"drivers", "soft"}, `"soft"`},
		"check nothing":        {[]string{"check"}, "file"},
		"check two":            {[]string{"check", "a.toml", "b.toml"}, `"b.toml"`},
		"run nothing":          {[]string{"run"}, "-c"},
		"run an operand":       {[]string{"run", "a.toml"}, `"a.toml"`},
		"show nothing":         {[]string{"show"}, "connections"},
		"show something":       {[]string{"show", "keys"}, `"keys"`},
		"show two":             {[]string{"show", "sas", "-json", "drops"}, `"drops"`},
		"initiate nothing":     {[]string{"initiate"}, "connection"},
		"initiate no child":    {[]string{"initiate", "office/"}, `"office/"`},
		"initiate two":         {[]string{"initiate", "office", "home"}, `"home"`},
		"terminate nothing":    {[]string{"terminate", "-no-wait"}, "connection"},
		"rekey something else": {[]string{"rekey", "office", "-all"}, "-all"},
		"rekey in no time":     {[]string{"rekey", "office", "-timeout", "0s"}, "-timeout 0s"},
		"rekey for an hour":    {[]string{"rekey", "-timeout", "1h", "office"}, "-timeout 1h"},
		"unknown flag":         {[]string{"demo", "-frob"}, "-frob"},
		"mode":                 {[]string{"demo", "-mode", "fast"}, `"fast"`},
		"no lcores":            {[]string{"demo", "-lcores", "0"}, "-lcores 0"},
		"many lcores":          {[]string{"demo", "-lcores", "33"}, "-lcores 33"},
		"no time":              {[]string{"demo", "-duration", "0s"}, "-duration"},
		"time of no unit":      {[]string{"demo", "-duration", "10"}, "-duration"},
		"pcap nothing":         {[]string{"pcap"}, "decap"},
		"pcap something":       {[]string{"pcap", "frob"}, `"frob"`},
		"decap of a size":      {[]string{"pcap", "decap", "-outer-size", "1500"}, "-outer-size"},
		"no input":             {[]string{"pcap", "decap", "-keys", "k", "-out", "o"}, "-in"},
		"no keys":              {[]string{"pcap", "encap", "-in", "i", "-out", "o"}, "-keys"},
		"no output":            {[]string{"pcap", "encap", "-in", "i", "-keys", "k"}, "-out"},
		"an operand":           {[]string{"pcap", "encap", "-in", "i", "-keys", "k", "-out", "o", "more"}, `"more"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := call(c.args...)
			if o.status != exitUsage || o.stdout != "" || !strings.Contains(o.stderr, c.names) {
				t.Errorf("status %d, %q, %q; expected 2 and an error that names %q", o.status, o.stdout, o.stderr, c.names)
			}
		})
	}
}

// TestBadDemoInput refuses traffic and algorithms that cannot be, with status 1.
func TestBadDemoInput(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pcap")
	if err := os.WriteFile(empty, rawFormat.encode(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flag, value, names string }{
		{"-inner", "39", "39"}, {"-inner", "9217", "9217"}, {"-inner", "no-such.pcap", "no-such.pcap"}, {"-inner", empty, empty},
		{"-encr", "aes999", "aes999"}, {"-integ", "md5", "md5"}, {"-rate", "fast", "fast"},
	} {
		o := call("demo", "-duration", "10ms", c.flag, c.value)
		if o.status != exitFailed || !strings.Contains(o.stderr, c.names) || o.stdout != "" {
			t.Errorf("demo %s %s: status %d, %q, %q", c.flag, c.value, o.status, o.stdout, o.stderr)
		}
	}
}

// TestDemoTooLargeForTunnel refuses inner packets that only fragmentation could carry.
func TestDemoTooLargeForTunnel(t *testing.T) {
	o := call("demo", "-duration", "10ms", "-mode", "tunnel", "-inner", "9216")
	if o.status != exitFailed || !strings.Contains(o.stderr, "9216") || !strings.Contains(o.stderr, "9088") {
		t.Errorf("status %d, %q", o.status, o.stderr)
	}
	mustPass(t, "demo", "-duration", "10ms", "-mode", "constant", "-inner", "9216")
}

// TestDrivers lists what this program can open.
func TestDrivers(t *testing.T) {
	if o := mustPass(t, "drivers"); !strings.Contains(o.stdout, "soft:") {
		t.Errorf("drivers printed %q", o.stdout)
	}
}

// soloText is an appliance on two in-memory wires whose other ends nobody opens.
const soloText = `unsafe_static_keys = true
[system]
name = "solo"
lcores = 1
mbufs = 1024
poll = "adaptive"
[[port]]
name = "outside"
device = "soft:NAME-out,end=a,link=raw"
role = "outside"
address = ["192.0.2.1/24"]
[[port]]
name = "inside"
device = "soft:NAME-in,end=a,link=raw"
role = "inside"
address = ["10.1.0.1/24"]
[[tunnel]]
name = "t"
local = "192.0.2.1"
remote = "192.0.2.2"
[[tunnel.policy]]
local_ts = ["10.1.0.0/24"]
remote_ts = ["10.2.0.0/24"]
[[tunnel.sa]]
spi_in = 0x1001
spi_out = 0x1002
encr = "aes128gcm16"
key_in = "00112233445566778899aabbccddeeff00112233"
key_out = "ff112233445566778899aabbccddeeff00112233"
[admin]
socket = ""
`

// soloFile writes a variant of soloText.
func soloFile(t testing.TB, old, new string) string {
	t.Helper()
	text := strings.ReplaceAll(soloText, "NAME", strings.ReplaceAll(t.Name(), "/", "-"))
	if !strings.Contains(text, old) {
		t.Fatalf("no %q in the configuration", old)
	}
	path := filepath.Join(t.TempDir(), "solo.toml")
	if err := os.WriteFile(path, []byte(strings.Replace(text, old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCheck says ok to a good file, and names file, line and key of a bad one. Keys stay where they are.
func TestCheck(t *testing.T) {
	good := soloFile(t, "", "")
	if o := mustPass(t, "check", good); !strings.Contains(o.stdout, good+": ok") {
		t.Errorf("check printed %q", o.stdout)
	}
	o := mustPass(t, "check", "-json", good)
	if !json.Valid([]byte(o.stdout)) || strings.Contains(o.stdout, "ccddeeff") {
		t.Errorf("check -json printed %s", o.stdout)
	}
	if o := mustPass(t, "check", "-keys"); !strings.Contains(o.stdout, "outer_packet_size") {
		t.Error("check -keys does not list outer_packet_size")
	}
	for _, c := range []struct{ old, new, names string }{
		{"poll = ", "pol = ", ":6: "}, {"poll = ", "pol = ", "poll"}, {"mbufs = 1024", `mbufs = "1024"`, "mbufs"},
		{"unsafe_static_keys = true", "", "unsafe_static_keys"}, {"[[port]]", "[[prot]]", "prot"}, {"1122", "zz22", "key_in"},
	} {
		bad := soloFile(t, c.old, c.new)
		o := call("check", bad)
		if o.status != exitFailed || o.stdout != "" || !strings.Contains(o.stderr, c.names) || !strings.Contains(o.stderr, bad) ||
			strings.Contains(o.stderr, "ccddeeff") {
			t.Errorf("%q in the place of %q: status %d, %q, %q", c.new, c.old, o.status, o.stdout, o.stderr)
		}
	}
	for _, name := range []string{"no-such.toml", t.TempDir()} {
		if o := call("check", name); o.status != exitFailed || !strings.Contains(o.stderr, name) {
			t.Errorf("check %s: status %d, %q", name, o.status, o.stderr)
		}
	}
}

// signalled calls f when text was written.
type signalled struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	once sync.Once
	f    func()
}

func (s *signalled) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(b)
	if strings.Contains(s.buf.String(), s.text) {
		s.once.Do(s.f)
	}
	return len(b), nil
}

// TestRunUntilSIGTERM comes up, says so, drains on SIGTERM and ends with status 0.
func TestRunUntilSIGTERM(t *testing.T) {
	var stdout bytes.Buffer
	stderr := &signalled{text: "tunnel up", f: func() { syscall.Kill(os.Getpid(), syscall.SIGTERM) }}
	status := Main([]string{"run", "-c", soloFile(t, "", "")}, &stdout, stderr)
	if log := stderr.buf.String(); status != exitOK || strings.Contains(log, "ccddeeff") || !strings.Contains(log, "port open") {
		t.Errorf("status %d, log %s", status, log)
	}
}

// TestRunRefused names what is wrong and does not stay.
func TestRunRefused(t *testing.T) {
	for _, c := range []struct{ old, new, names string }{
		{"soft:", "hard:", "hard"},
		{`remote = "192.0.2.2"`, `remote = "203.0.113.1"`, "203.0.113.1"},
		{"link=raw", "link=ethernet", "192.0.2.2"}, // no neighbour is configured for it
	} {
		o := call("run", "-c", soloFile(t, c.old, c.new))
		if o.status != exitFailed || !strings.Contains(o.stderr, c.names) {
			t.Errorf("%q: status %d, %q", c.new, o.status, o.stderr)
		}
	}
}

// TestOutputFailure ends with an error when standard output cannot be written.
func TestOutputFailure(t *testing.T) {
	b, _ := good(t, "decap")
	var stderr bytes.Buffer
	if status := Main([]string{"pcap", "decap", "-in", b.in, "-keys", b.keys, "-out", b.out, "-json"}, broken{}, &stderr); status != exitFailed {
		t.Errorf("status %d, %q", status, stderr.String())
	}
}

// broken is a full disk or a closed pipe.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
