package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestKeysAreNeverShown prints a whole Config in every way there is.
func TestKeysAreNeverShown(t *testing.T) {
	c, err := Load("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "key", c.Tunnels[0].SAs[0].KeyIn)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "key", c.Tunnels[0].SAs[0].KeyIn)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString(log.String() + string(asJSON))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%T"} {
		all.WriteString(fmt.Sprintf(verb, *c) + fmt.Sprintf(verb, c.Tunnels[0].SAs) + fmt.Sprintf(verb, c.Tunnels[0].SAs[0].KeyIn))
	}
	all.WriteString(fmt.Sprint(c.Tunnels[0].SAs[0].KeyIn.String(), c.Tunnels[0].SAs[0].KeyIn.GoString()))
	key := c.Tunnels[0].SAs[0].KeyIn.Bytes()
	for _, form := range []string{fmt.Sprintf("%x", key[:4]), fmt.Sprintf("%X", key[:4]), fmt.Sprintf("%v", key[1:5])[1:8], fmt.Sprintf("%#v", key[1:4])[7:20], string(key[1:5])} {
		if strings.Contains(all.String(), form) {
			t.Errorf("output holds key material as %q", form)
		}
	}
	if !strings.Contains(all.String(), "[20 octets, redacted]") {
		t.Error("output does not name the redacted key; the test looks at nothing")
	}
}

func TestWipe(t *testing.T) {
	c, err := Load("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	copied := c.Tunnels[0].SAs[1].KeyOut
	c.Wipe()
	for _, tun := range c.Tunnels {
		for _, s := range tun.SAs {
			if !s.KeyIn.Equal(NewKey(make([]byte, s.KeyIn.Len()))) || !s.KeyOut.Equal(NewKey(make([]byte, s.KeyOut.Len()))) {
				t.Errorf("keys of %#x are still there", s.SPIIn)
			}
		}
	}
	if !copied.Equal(NewKey(make([]byte, 48))) {
		t.Error("a copy of a key outlived Wipe")
	}
	k, err := LoadKeys("testdata/keys.toml")
	if err != nil {
		t.Fatal(err)
	}
	if k.Wipe(); !k.SAs[0].Key.Equal(NewKey(make([]byte, 20))) {
		t.Error("keys of a capture are still there")
	}
}

// oneKey is a source with the same key in every file.
type oneKey struct {
	noFiles
	Key
}

func (k oneKey) key(string) (Key, error)    { return k.Key, nil }
func (k oneKey) secret(string) (Key, error) { return k.Key, nil }

// TestRefusedFilesAreWiped: keys that were read before a problem was found do not stay in memory.
func TestRefusedFilesAreWiped(t *testing.T) {
	read := counting(0x30, 20)
	r := &reader{file: "f.toml", files: oneKey{Key: read}}
	if _, err := r.config(replaced(t, 55, "key_in_file = \"k\"\nx = 1")); err == nil {
		t.Fatal("the file was accepted")
	}
	if !read.Equal(NewKey(make([]byte, 20))) {
		t.Error("the key is still there")
	}
}

// TestProblemsNeverShowKeys: whatever is wrong, its message does not repeat the digits of any key in the file.
func TestProblemsNeverShowKeys(t *testing.T) {
	const digits = "d00dfeedd00dfeedd00dfeedd00dfeedd00dfeed"
	for _, line := range []string{
		`key_in = "%s0"`, `key_in = %s`, `key_in = "%s`, `key_in = ["%s"]`, `key_in = {a = "%s"}`, `key_in = "%s" x`,
		`key_in == "%s"`, `key_im = "%s"`, `encr = "%s"`, `key_in_file = "%s"`, `spi_in = "0x%s"`, `%s = 1`, `"%s" = 1`,
		`key_in = 0x%s`, `key_in = 'g%s'`, `key_in = "\x%s"`, `esn = "%s"`,
	} {
		_, err := Parse("f.toml", replaced(t, 55, fmt.Sprintf(line, digits)))
		if err == nil {
			t.Errorf("%s was accepted", line)
		} else if strings.Contains(strings.ToLower(err.Error()), digits[:10]) {
			t.Errorf("%s: the problem shows the key:\n%v", line, err)
		}
	}
}

// TestKeyFiles: a key can be in a file that its owner alone can read.
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	const digits = "303132333435363738393a3b3c3d3e3f40414243"
	write("good", " "+digits+"\n", 0o600)
	write("readonly", "0x"+digits, 0o400)
	write("group", digits, 0o640)
	write("world", digits, 0o604)
	write("text", "no digits", 0o600)
	write("long", strings.Repeat("00", maxKeyFile), 0o600)
	write("short", "0102", 0o600)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `a file of hexadecimal digits with mode 0600 or 0400`
	for _, c := range []struct{ file, want string }{
		{"good", ""}, {"readonly", ""}, {filepath.Join(dir, "good"), ""},
		{"group", `got "group": mode 0640 lets others use it, expected ` + want},
		{"world", `got "world": mode 0604 lets others use it, expected ` + want},
		{"text", `got "text": content is not hexadecimal digits, expected ` + want},
		{"none", `got "none": no such file or directory, expected ` + want},
		{"long", `has more than 4096 octets, expected ` + want},
		{"pipe", `is not a regular file, expected ` + want},
		{".", `expected ` + want},
		{"short", `got a key of 2 octets, expected 20 octets for aes128gcm16: 16 of key and 4 of salt`},
	} {
		cfg, err := Parse(filepath.Join(dir, "f.toml"), replaced(t, 55, fmt.Sprintf("key_in_file = %q", c.file)))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.file, err)
		case c.want == "" && !cfg.Tunnels[0].SAs[0].KeyIn.Equal(counting(0x30, 20)):
			t.Errorf("%s: the key is another", c.file)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `key "tunnel.office.sa[1].key_in_file"`)):
			t.Errorf("%s: got %v, want %s", c.file, err, c.want)
		}
	}
}
