package config

import (
	"strings"
	"testing"
)

// badKeys are wrong key files: testdata/keys.toml with one line replaced.
var badKeys = []badFile{
	{"no key", 5, ``, []string{
		`2: key "sa[1,spi=0x80001001].key": got no value, expected this key, it is required: key and salt, or key and integrity key`}},
	{"no SPI", 3, ``, []string{`2: key "sa[1].spi": got no value, expected this key, it is required: SPI`}},
	{"no algorithm", 27, ``, []string{
		`25: key "sa[3,spi=0x1003].encr": got no value, expected this key, it is required: encryption algorithm`}},
	{"reserved SPI", 26, `spi = 255`, []string{
		`26: key "sa[3].spi": got 255, expected an SPI from 256 to 0xffffffff such as 4097 or "0x1001"`}},
	{"SPI too large", 26, `spi = 0x100000000`, []string{
		`26: key "sa[3].spi": got 4294967296, expected an SPI from 256 to 0xffffffff such as 4097 or "0x1001"`}},
	{"SPI twice", 26, `spi = 4098`, []string{
		`26: key "sa[3,spi=0x1002].spi": got 0x1002 a second time, expected a value that differs from line 17, or another dst`}},
	{"short key", 28, `key = "0001"`, []string{
		`28: key "sa[3,spi=0x1003].key": got a key of 2 octets, expected 20 octets for aes128gcm16iiv: 16 of key and 4 of salt`}},
	{"whole key beside integ_key", 20, `key = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f"`, []string{
		`20: key "sa[2,spi=0x1002].key": got a key of 48 octets, expected 16 octets for aes128 beside integ_key`}},
	{"short integ_key", 21, `integ_key = "50"`, []string{
		`21: key "sa[2,spi=0x1002].integ_key": got a key of 1 octets, expected 32 octets for sha256`}},
	{"integ_key of an AEAD", 6, "esn = true\ninteg_key = \"50\"", []string{
		`7: key "sa[1,spi=0x80001001].integ_key": got a key of 1 octets, expected no such key: aes128gcm16 authenticates by itself`}},
	{"esn_initial_hi without esn", 6, `esn = false`, []string{
		`7: key "sa[1,spi=0x80001001].esn_initial_hi": got 7, expected no such key without esn = true`}},
	{"families differ", 9, `dst = "2001:db8::1"`, []string{
		`9: key "sa[1,spi=0x80001001].dst": got "2001:db8::1", expected an address of the family of src`}},
	{"port without udp", 10, ``, []string{
		`11: key "sa[1,spi=0x80001001].dport": got 4501, expected no such key without encap = "udp"`}},
	{"RPL-002 replay window too small", 23, `replay_window = 31`, []string{
		`23: key "sa[2,spi=0x1002].replay_window": got 31, expected at least 32 (RFC 4303 3.4.3), or 0 without esn`}},
	{"ESP-015 no replay window with esn", 6, "esn = true\nreplay_window = 0", []string{
		`7: key "sa[1,spi=0x80001001].replay_window": got 0, expected at least 32 (RFC 4303 3.4.3), or 0 without esn`}},
	{"timer with a unit", 13, `lost_packet_timer_ms = "1ms"`, []string{
		`13: key "sa[1,spi=0x80001001].lost_packet_timer_ms": got "1ms", expected a number of milliseconds from 0 to 60000`}},
	{"timer that is no number", 13, `lost_packet_timer_ms = nan`, []string{
		`13: key "sa[1,spi=0x80001001].lost_packet_timer_ms": got NaN, expected a number of milliseconds from 0 to 60000`}},
	{"key of the appliance's file", 13, `lost_packet_timer = "1ms"`, []string{
		`13: key "sa[1,spi=0x80001001].lost_packet_timer": got an unknown key, expected ` + wantKeys + `; nearest valid key: "lost_packet_timer_ms"`}},
	{"not TOML", 1, `x = [`, []string{
		`2: got text that is not TOML, expected TOML 1.0: expected value but found "sa" instead`}},
}

func TestBadKeyFiles(t *testing.T) {
	lines := strings.Split(string(readTestdata(t, "keys.toml")), "\n")
	for _, c := range badKeys {
		t.Run(c.name, func(t *testing.T) {
			changed := append([]string{}, lines...)
			changed[c.line-1] = c.text
			set, err := ParseKeys("f.toml", []byte(strings.Join(changed, "\n")))
			if set != nil {
				t.Errorf("a KeySet came with the error %v", err)
			}
			checkProblems(t, err, c.want)
		})
	}
	_, err := ParseKeys("f.toml", nil)
	checkProblems(t, err, []string{`1: key "sa": got no value, expected this key, it is required: an SA of the capture, one direction`})
	_, err = ParseKeys("f.toml", []byte("sa = []\n"))
	checkProblems(t, err, []string{`1: key "sa": got an empty array, expected at least one table: an SA of the capture, one direction`})
}

// TestSameSPITwoPeers: an SPI is the receiver's choice, so two of them may choose the same.
func TestSameSPITwoPeers(t *testing.T) {
	text := strings.Replace(string(readTestdata(t, "keys.toml")), `spi = 4099`, "spi = \"0x80001001\"\ndst = \"198.51.100.2\"", 1)
	if _, err := ParseKeys("f.toml", []byte(text)); err != nil {
		t.Error(err)
	}
}
