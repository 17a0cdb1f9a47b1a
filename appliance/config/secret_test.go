package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIKE084_SecretFiles: text or hexadecimal digits, at least 64 octets of either, and no NUL behind them.
func TestIKE084_SecretFiles(t *testing.T) {
	long := strings.Repeat("correct horse battery staple ", 8)
	for _, c := range []struct{ content, want string }{
		{"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"}, {" two words \n", " two words "}, {"secret\n\n", "secret\n"},
		{"x", "x"}, {long, long}, {"pass\xc3\xa4\n", "pass\xc3\xa4"}, {"0x00ff10\n", "\x00\xff\x10"}, {"0x" + strings.Repeat("41", 80), strings.Repeat("A", 80)},
		{"00ff10", "00ff10"}, {"0X41", "0X41"},
	} {
		k, err := parseSecret([]byte(c.content))
		if err != nil || string(k.Bytes()) != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.content, k.Bytes(), err, c.want)
		}
	}
	for _, content := range []string{"", "\n", "\r\n", "0x", "0x\n", "0x1", "0xzz", "0x 41"} {
		if k, err := parseSecret([]byte(content)); err == nil {
			t.Errorf("%q was read as %q", content, k.Bytes())
		}
	}
}

// writeMode writes a file with a mode, whatever the umask.
func writeMode(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestSecretFileModes: nobody but the owner of a file may be able to read a secret or private key; certificates are public.
func TestSecretFileModes(t *testing.T) {
	dir := t.TempDir()
	writeMode(t, dir, "good", theSecret+"\n", 0o600)
	writeMode(t, dir, "readonly", theSecret, 0o400)
	writeMode(t, dir, "group", theSecret, 0o640)
	writeMode(t, dir, "world", theSecret, 0o604)
	writeMode(t, dir, "empty", "\n", 0o600)
	writeMode(t, dir, "hex", "0x123", 0o600)
	writeMode(t, dir, "long", strings.Repeat("a", maxKeyFile+1), 0o600)
	writeMode(t, dir, "public", "a certificate", 0o644)
	certificate := func(cert, key string) string {
		return fmt.Sprintf("cert_file = %q\nkey_file = %q\nca_file = [\"public\"]", cert, key)
	}
	for _, c := range []struct{ text, want string }{
		{`psk_file = "good"`, ""}, {`psk_file = "readonly"`, ""}, {fmt.Sprintf("psk_file = %q", filepath.Join(dir, "good")), ""},
		{`psk_file = "group"`, `office.psk_file": got "group": mode 0640 lets others use it, expected ` + wantPSK},
		{`psk_file = "world"`, `office.psk_file": got "world": mode 0604 lets others use it, expected ` + wantPSK},
		{`psk_file = "empty"`, `office.psk_file": got "empty": content is empty, or 0x without hexadecimal digits behind it, expected ` + wantPSK},
		{`psk_file = "hex"`, `office.psk_file": got "hex": content is empty, or 0x without hexadecimal digits behind it, expected ` + wantPSK},
		{`psk_file = "long"`, `has more than 4096 octets, expected ` + wantPSK},
		{`psk_file = "none"`, `office.psk_file": got "none": no such file or directory, expected ` + wantPSK},
		{`psk_file = "."`, `office.psk_file": got ".": it is not a regular file, expected ` + wantPSK},
		{certificate("public", "good"), ""},
		{certificate("public", "public"), `office.key_file": got "public": mode 0644 lets others use it, expected a file that can be read, with mode 0600 or 0400`},
		{certificate(".", "good"), `office.cert_file": got ".": it is not a regular file, expected a file that can be read`},
	} {
		cfg, err := Parse(filepath.Join(dir, "f.toml"), []byte(edited(t, `psk_file = "office.psk"`, c.text)))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.text, err)
		case c.want == "" && cfg.Connections[0].LocalAuth == AuthPSK && string(cfg.Connections[0].PSK.Bytes()) != theSecret:
			t.Errorf("%s: the secret is another", c.text)
		case c.want == "" && cfg.Connections[0].LocalAuth == AuthPubkey && cfg.Connections[0].CertFile != filepath.Join(dir, "public"):
			t.Errorf("%s: path %q", c.text, cfg.Connections[0].CertFile)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.text, err, c.want)
		}
	}
}

// TestShortSecretsAreWarnedOf: RFC 7296 2.15 wants as much randomness in a secret as in the strongest key.
func TestShortSecretsAreWarnedOf(t *testing.T) {
	for n, want := range map[int]string{
		advisedSecret:     "",
		advisedSecret - 1: `f.toml:17: key "connection.office.psk_file": a secret of 15 octets, at least 16 random ones are advised (RFC 7296 2.15)`,
	} {
		r := &reader{file: "f.toml", files: oneKey{Key: counting(1, n)}}
		c, err := r.config([]byte(gatewayPorts + twelve))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.Warnings, "\n"); got != want {
			t.Errorf("%d octets: got %q, want %q", n, got, want)
		}
	}
}

// TestSecretsAreNeverShown prints connections in every way there is, and what is wrong with wrong ones.
func TestSecretsAreNeverShown(t *testing.T) {
	c, err := parseConnections(gatewayPorts + twelve)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	slog.New(slog.NewTextHandler(&all, nil)).Info("x", "config", c, "connection", c.Connections[0])
	slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "config", c, "connection", c.Connections[0])
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all.Write(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		fmt.Fprintf(&all, verb+verb+verb, *c, c.Connections, c.Connections[0].PSK)
	}
	for _, text := range []string{"psk_file = \"office.psk\"\nunique = \"all\"", "psk_file = \"office.psk\"\nauth = \"pubkey\"", "psk_file = \"office.psk\"\nx = 1"} {
		if _, err := parseConnections(edited(t, `psk_file = "office.psk"`, text)); err == nil {
			t.Errorf("%s was accepted", text)
		} else {
			all.WriteString(err.Error())
		}
	}
	part := []byte(theSecret)[4:9]
	for _, form := range []string{string(part), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), strings.Trim(fmt.Sprint(part), "[]"), fmt.Sprintf("%#v", part)[7:20]} {
		if strings.Contains(all.String(), form) {
			t.Errorf("output holds the secret as %q", form)
		}
	}
	if !strings.Contains(all.String(), fmt.Sprintf("[%d octets, redacted]", len(theSecret))) {
		t.Error("output does not name the redacted secret; the test looks at nothing")
	}
}

// TestSecretsAreWiped: by Wipe, and when the file is refused.
func TestSecretsAreWiped(t *testing.T) {
	read := counting(1, 20)
	c, err := (&reader{file: "f.toml", files: oneKey{Key: read}}).config([]byte(gatewayPorts + twelve))
	if err != nil {
		t.Fatal(err)
	}
	if c.Wipe(); !read.Equal(NewKey(make([]byte, 20))) {
		t.Error("the secret is still there after Wipe")
	}
	read = counting(1, 20)
	if _, err := (&reader{file: "f.toml", files: oneKey{Key: read}}).config([]byte(edited(t, `name = "net"`, "name = \"net\"\nx = 1"))); err == nil {
		t.Fatal("the file was accepted")
	}
	if !read.Equal(NewKey(make([]byte, 20))) {
		t.Error("the secret is still there after the file was refused")
	}
}
