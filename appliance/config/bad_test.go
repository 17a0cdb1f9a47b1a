package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// badFile is one wrong file: testdata/good.toml with one line replaced, and every problem that must be reported.
type badFile struct {
	name string
	line int // of good.toml, to be replaced
	text string
	want []string // the messages, without "f.toml:"
}

// The expectations that several keys share.
const (
	wantName  = `a name of up to 32 letters, digits, '_', '.' and '-'`
	wantRate  = `a rate in bits per second such as "10g", "1.5m" or "500kbit"`
	wantAddr  = `an IPv4 or IPv6 address such as "192.0.2.1"`
	wantOwn   = `an own address with its prefix length such as "192.0.2.1/24"`
	wantRange = `a prefix "10.1.0.0/16", an address, or a range "10.1.0.5-10.1.0.9"`
	wantMAC   = `the link address of one host such as "52:54:00:00:00:02"`
	wantSPI   = `an SPI from 256 to 0x7fffffff such as 4097 or "0x1001" (the top bit stays clear)`
	wantHex   = `a string of hexadecimal digits, two for each octet`
	wantPorts = `"any", "opaque", a port "80", a range "1000-2000", or an array of these`
	wantKeys  = `only keys that stillwater check -keys lists`
	wantTwin  = `a key of its own for each direction of each SA`
	wantNoTLS = `a protocol with ports beside it (tcp, udp, sctp, dccp, udplite), or any port (RFC 4301 7.1)`
	wantAlgs  = `an encryption algorithm: aes128gcm16, aes192gcm16, aes256gcm16, chacha20poly1305, aes128gcm16iiv, aes192gcm16iiv, aes256gcm16iiv, chacha20poly1305iiv, aes128gmac, aes192gmac, aes256gmac, aes128, aes192, aes256, null`
)

var badFiles = []badFile{
	// keys
	{"unknown key", 45, `rate = "1g"`, []string{
		`45: key "tunnel.office.rate": got an unknown key, expected ` + wantKeys + `; nearest valid key: "l2_fixed_rate"`}},
	{"unknown key, one letter off", 5, `lcorse = 2`, []string{
		`5: key "system.lcorse": got an unknown key, expected ` + wantKeys + `; nearest valid key: "lcores"`}},
	{"key in another case", 5, `LCORES = 2`, []string{
		`5: key "system.LCORES": got an unknown key, expected ` + wantKeys + `; nearest valid key: "lcores"`}},
	{"unknown key like no other", 5, `"x y" = 2`, []string{
		`5: key "system.x y": got an unknown key, expected ` + wantKeys}},
	{"unknown table", 3, "[conection]\na = 1\n[system]", []string{
		`3: key "conection": got an unknown key, expected ` + wantKeys + `; nearest valid key: "connection"`}},
	{"empty connection", 3, "[[connection]]\n[system]", []string{
		`3: key "connection[1].child": got no value, expected this key, it is required: traffic that the connection carries, with SAs of its own`,
		`3: key "connection[1].name": got no value, expected this key, it is required: name of the connection`,
		`3: key "connection[1].psk_file": got no value, expected this key, or cert_file, key_file and ca_file`,
		`3: key "connection[1].remote": got no value, expected this key, it is required: where the peer is; with more than one address only the peer can begin`}},
	{"unknown key in an SA", 65, `esm = false`, []string{
		`65: key "tunnel.office.sa[2].esm": got an unknown key, expected ` + wantKeys + `; nearest valid key: "esn"`}},
	{"key twice", 5, "lcores = 2\nlcores = 3", []string{
		`6: got text that is not TOML, expected TOML 1.0: Key 'system.lcores' has already been defined.`}},
	{"missing name", 39, ``, []string{
		`38: key "tunnel[1].name": got no value, expected this key, it is required: name of the tunnel`}},
	{"missing action", 87, ``, []string{
		`85: key "policy.rest.action": got no value, expected this key, it is required: what happens to the traffic`}},
	// types
	{"text for a number", 18, `mtu = "9000"`, []string{
		`18: key "port.lan.mtu": got "9000", expected an integer from 576 to 9216`}},
	{"float for a number", 18, `mtu = 9000.0`, []string{
		`18: key "port.lan.mtu": got 9000, expected an integer from 576 to 9216`}},
	{"number too large", 18, `mtu = 9217`, []string{
		`18: key "port.lan.mtu": got 9217, expected an integer from 576 to 9216`}},
	{"text for a boolean", 43, `path_is_mine = "yes"`, []string{
		`43: key "tunnel.office.path_is_mine": got "yes", expected true or false`}},
	{"table for a value", 5, `lcores = {n = 2}`, []string{
		`5: key "system.lcores": got a table, expected "auto" or an integer from 1 to 1024`}},
	{"date for a value", 5, `lcores = 2026-01-01`, []string{
		`5: key "system.lcores": got a date or time, expected "auto" or an integer from 1 to 1024`}},
	{"value for a table", 3, "policy = 1\n[system]", []string{ // good.toml has [[policy]] too
		`31: got text that is not TOML, expected TOML 1.0: Key 'policy' was already created and cannot be used as an array.`}},
	{"one address for a list", 11, `address = "192.0.2.1/24"`, []string{
		`11: key "port.wan.address": got "192.0.2.1/24", expected an array with at least one element, each ` + wantOwn}},
	{"number in a list", 48, `local_ts = ["10.1.0.0/16", 7]`, []string{
		`48: key "tunnel.office.policy[1].local_ts": got 7, expected ` + wantRange}},
	{"empty list", 48, `local_ts = []`, []string{
		`48: key "tunnel.office.policy[1].local_ts": got an array, expected an array with at least one element, each ` + wantRange}},
	// words, units, addresses
	{"unknown word", 42, `mode = "iptfs"`, []string{
		`42: key "tunnel.office.mode": got "iptfs", expected one of "aggregate", "constant", "tunnel"`}},
	{"word in capitals", 10, `role = "Outside"`, []string{
		`10: key "port.wan.role": got "Outside", expected one of "outside", "inside"`}},
	{"protect without tunnel", 32, `action = "protect"`, []string{
		`32: key "policy.no-telnet.action": got "protect", expected one of "discard", "bypass"`}},
	{"rate in words", 44, `l3_fixed_rate = "10 gigs"`, []string{
		`44: key "tunnel.office.l3_fixed_rate": got "10 gigs", expected ` + wantRate}},
	{"rate without unit", 44, `l3_fixed_rate = 1000000`, []string{
		`44: key "tunnel.office.l3_fixed_rate": got 1000000, expected ` + wantRate}},
	{"rate in octets", 44, `l3_fixed_rate = "1GB"`, []string{
		`44: key "tunnel.office.l3_fixed_rate": got "1GB", expected ` + wantRate}},
	{"rate of parts of a bit", 44, `l3_fixed_rate = "0.0001k"`, []string{
		`44: key "tunnel.office.l3_fixed_rate": got "0.0001k", expected ` + wantRate}},
	{"duration without unit", 45, `lost_packet_timer = "10"`, []string{
		`45: key "tunnel.office.lost_packet_timer": got "10", expected a duration such as "10ms" or "1.5s", from 1µs to 10s`}},
	{"duration too long", 45, `max_aggregation_time = "2h"`, []string{
		`45: key "tunnel.office.max_aggregation_time": got "2h", expected a duration such as "10ms" or "1.5s", from 1µs to 1m0s`}},
	{"address with a length", 40, `local = "192.0.2.1/24"`, []string{
		`40: key "tunnel.office.local": got "192.0.2.1/24", expected ` + wantAddr}},
	{"mapped address", 40, `local = "::ffff:192.0.2.1"`, []string{
		`40: key "tunnel.office.local": got "::ffff:192.0.2.1", expected ` + wantAddr}},
	{"address without length", 17, `address = ["10.1.0.1"]`, []string{
		`17: key "port.lan.address": got "10.1.0.1", expected ` + wantOwn}},
	{"prefix with host bits", 26, `to = "10.0.0.1/8"`, []string{
		`26: key "route[1].to": got "10.0.0.1/8", expected a prefix without host bits such as "10.1.0.0/16"`}},
	{"range upside down", 49, `remote_ts = ["10.3.0.9-10.3.0.5"]`, []string{
		`49: key "tunnel.office.policy[1].remote_ts": got "10.3.0.9-10.3.0.5", expected ` + wantRange}},
	{"group MAC", 22, `mac = "01:00:5e:00:00:01"`, []string{
		`22: key "neighbour[1].mac": got "01:00:5e:00:00:01", expected ` + wantMAC}},
	{"device without driver", 9, `device = "eth0"`, []string{
		`9: key "port.wan.device": got "eth0", expected a device such as "afpacket:eth0" or "soft:wan,end=a"`}},
	{"name with a blank", 8, `name = "wan 1"`, []string{
		`8: key "port[1].name": got "wan 1", expected ` + wantName}},
	{"port out of range", 36, `remote_port = "65536"`, []string{
		`36: key "policy.no-telnet.remote_port": got "65536", expected ` + wantPorts}},
	{"any beside a port", 36, `remote_port = ["any", "23"]`, []string{
		`36: key "policy.no-telnet.remote_port": got an array, expected ` + wantPorts}},
	{"unknown protocol", 35, `protocol = "http"`, []string{
		`35: key "policy.no-telnet.protocol": got "http", expected "any", a protocol name such as "tcp", or a number from 1 to 255`}},
	{"ICMP code out of range", 76, `icmp = "3/256"`, []string{
		`76: key "tunnel.lab.policy[1].icmp": got "3/256", expected "any", a type "8", a type and code "3/4", a range "3/0-3/15", or an array of these`}},
	{"dscp too large", 45, `dscp = 64`, []string{
		`45: key "tunnel.office.dscp": got 64, expected "copy" or an integer from 0 to 63`}},
	// system, ports, neighbours, routes
	{"adaptive beside constant", 5, `poll = "adaptive"`, []string{
		`5: key "system.poll": got "adaptive", expected "busy": tunnel.office is constant, and an lcore that sleeps shows when traffic wakes it`}},
	{"port name twice", 14, `name = "wan"`, []string{
		`14: key "port.wan.name": got "wan" a second time, expected a value that differs from line 8`}},
	{"device twice", 15, `device = "soft:wan,end=a"`, []string{
		`15: key "port.lan.device": got "soft:wan,end=a" a second time, expected a value that differs from line 9`}},
	{"prefixes overlap", 17, `address = ["192.0.2.129/25"]`, []string{
		`17: key "port.lan.address": got "192.0.2.129/25", expected a prefix that does not overlap 192.0.2.1/24 of port.wan in VRF 0`}},
	{"address twice", 17, `address = ["10.1.0.1/16", "10.1.0.1/24"]`, []string{
		`17: key "port.lan.address": got 10.1.0.1 twice, expected each address once`}},
	{"IPv6 on a small port", 10, "role = \"outside\"\nmtu = 1279", []string{
		`11: key "port.wan.mtu": got 1279, expected at least 1280: the port has the IPv6 address 2001:db8::1/64 (RFC 8200 5)`}},
	{"neighbour on an unknown port", 23, `port = "wann"`, []string{
		`23: key "neighbour[1].port": got "wann", expected the name of a [[port]]`}},
	{"neighbour elsewhere", 21, `address = "203.0.113.1"`, []string{
		`21: key "neighbour[1].address": got "203.0.113.1", expected another host's address in a prefix of port.wan`}},
	{"neighbour is ourselves", 21, `address = "192.0.2.1"`, []string{
		`21: key "neighbour[1].address": got "192.0.2.1", expected another host's address in a prefix of port.wan`}},
	{"next hop unreachable", 27, `via = "203.0.113.1"`, []string{
		`27: key "route[1].via": got "203.0.113.1", expected another host's address in a prefix of port.wan`}},
	{"next hop without neighbour", 27, `via = "192.0.2.253"`, []string{
		`27: key "route[1].via": got "192.0.2.253", expected a [[neighbour]] with this address on port "wan": its link address is needed`}},
	{"next hop of another family", 27, `via = "2001:db8::2"`, []string{
		`27: key "route[1].via": got "2001:db8::2", expected an address of the family of 0.0.0.0/0`}},
	{"route that a port has", 26, `to = "192.0.2.0/24"`, []string{
		`26: key "route[1].to": got "192.0.2.0/24 in VRF 0" a second time, expected a value that differs from line 11`}},
	{"route by an unknown port", 28, `port = "dmz"`, []string{
		`28: key "route[1].port": got "dmz", expected the name of a [[port]]`}},
	// tunnels
	{"tunnel name twice", 68, `name = "office"`, []string{
		`68: key "tunnel.office.name": got "office" a second time, expected a value that differs from line 39`}},
	{"TFS-111 constant on somebody's path", 43, ``, []string{
		`38: key "tunnel.office.path_is_mine": got false, expected true: a constant rate ignores congestion and is allowed only where every link of the path is the operator's own (RFC 9347 2.4.1)`}},
	{"constant without rate", 44, ``, []string{
		`42: key "tunnel.office.mode": got "constant" with 0 rates, expected exactly one of l2_fixed_rate, l3_fixed_rate and packets_per_second`}},
	{"constant with two rates", 45, `packets_per_second = 1000`, []string{
		`42: key "tunnel.office.mode": got "constant" with 2 rates, expected exactly one of l2_fixed_rate, l3_fixed_rate and packets_per_second`}},
	{"rate in another mode", 42, `mode = "aggregate"`, []string{
		`44: key "tunnel.office.l3_fixed_rate": got a value in mode "aggregate", expected no such key: it belongs to mode "constant"`}},
	{"TFC padding in another mode", 45, `tfc_padding = "mtu"`, []string{
		`45: key "tunnel.office.tfc_padding": got a value in mode "constant", expected no such key: it belongs to mode "tunnel"`}},
	{"AGGFRAG key in a plain tunnel", 70, "remote = \"198.51.100.2\"\nmode = \"tunnel\"\nwindow_size = 5", []string{
		`72: key "tunnel.lab.window_size": got a value in mode "tunnel", expected no such key: it belongs to mode "aggregate" or "constant"`}},
	{"bucket too small", 70, "remote = \"198.51.100.2\"\nmode = \"tunnel\"\ntfc_padding = \"bucket:8\"", []string{
		`72: key "tunnel.lab.tfc_padding": got "bucket:8", expected "off", "mtu", or "bucket:N" with N from 16 to 9216`}},
	{"outer packet above the mtu", 45, `outer_packet_size = 1501`, []string{
		`45: key "tunnel.office.outer_packet_size": got 1501, expected at most 1500, the mtu of port.wan`}},
	{"families differ", 41, `remote = "2001:db8::2"`, []string{
		`41: key "tunnel.office.remote": got "2001:db8::2", expected an address of the family of local`}},
	{"remote is local", 41, `remote = "192.0.2.1"`, []string{
		`41: key "tunnel.office.remote": got "192.0.2.1", expected another address than local`}},
	{"local of an inside port", 40, `local = "10.1.0.1"`, []string{
		`40: key "tunnel.office.local": got "10.1.0.1", expected an address of a port with role "outside"`}},
	{"remote inside", 41, `remote = "10.1.0.9"`, []string{
		`41: key "tunnel.office.remote": got "10.1.0.9", expected a route by an outside port, not by port.lan`}},
	{"remote on-link without neighbour", 41, `remote = "192.0.2.7"`, []string{
		`41: key "tunnel.office.remote": got "192.0.2.7", expected a [[neighbour]] with address 192.0.2.7 on port "wan": its link address is needed`}},
	{"remote without route", 26, `to = "203.0.113.0/24"`, []string{
		`41: key "tunnel.office.remote": got "198.51.100.1", expected an address with a route`,
		`70: key "tunnel.lab.remote": got "198.51.100.2", expected an address with a route`}},
	{"remote inside by the longer route", 28, "port = \"wan\"\n[[route]]\nto = \"198.51.100.2/32\"\nport = \"lan\"", []string{
		`73: key "tunnel.lab.remote": got "198.51.100.2", expected a route by an outside port, not by port.lan`}},
	{"TFS-093 DS field copied", 45, `dscp = "copy"`, []string{
		`45: key "tunnel.office.dscp": got "copy", expected a number: one outer packet carries several inner ones (RFC 9347 2.2.5), "copy" needs mode "tunnel"`}},
	{"TFS-090 DF copied", 45, `df = "copy"`, []string{
		`45: key "tunnel.office.df": got "copy", expected "set" or "clear": inner DF is never mapped (RFC 9347 2.2.5), "copy" needs mode "tunnel"`}},
	{"flow label in IPv4", 45, `flow_label = 5`, []string{
		`45: key "tunnel.office.flow_label": got 5, expected 0 with an IPv4 outer header`}},
	{"min_fragment without fragments", 45, "dont_fragment = true\nmin_fragment = 80", []string{
		`46: key "tunnel.office.min_fragment": got 80, expected no such key with dont_fragment = true`}},
	{"min_fragment below a length field", 45, `min_fragment = 5`, []string{
		`45: key "tunnel.office.min_fragment": got 5, expected an integer from 6 to 9216`}},
	{"min_fragment above the packet", 45, `min_fragment = 1500`, []string{
		`45: key "tunnel.office.min_fragment": got 1500, expected less than outer_packet_size, 1500`}},
	{"timer without window", 45, "window_size = 0\nlost_packet_timer = \"1ms\"", []string{
		`46: key "tunnel.office.lost_packet_timer": got "1ms", expected no such key with window_size = 0: nothing is waited for`}},
	{"RPL-002 replay window too small", 45, `replay_window = 31`, []string{
		`45: key "tunnel.office.replay_window": got 31, expected an integer from 32 to 65472`}},
	{"soft limit behind the hard one", 45, "soft_packets = 100\nlife_packets = 100", []string{
		`45: key "tunnel.office.soft_packets": got 100, expected less than life_packets`}},
	{"soft octets behind the hard ones", 45, "soft_bytes = 101\nlife_bytes = 100", []string{
		`45: key "tunnel.office.soft_bytes": got 101, expected less than life_bytes`}},
	{"VRF without port", 45, `vrf = 7`, []string{
		`45: key "tunnel.office.vrf": got 7, expected the VRF of at least one port`}},
	// policies
	{"policy name twice", 86, `name = "no-telnet"`, []string{
		`86: key "policy.no-telnet.name": got "no-telnet" a second time, expected a value that differs from line 31`}},
	{"bypass beside constant", 87, `action = "bypass"`, []string{
		`87: key "policy.rest.action": got "bypass", expected "discard": tunnel.office is constant, and clear traffic beside it shows what it hides`}},
	{"selectors without a common family", 49, `remote_ts = ["2001:db8:1::/48"]`, []string{
		`49: key "tunnel.office.policy[1].remote_ts": got addresses of another family than local_ts, expected at least one of the same family: no packet could match`}},
	{"ports without protocol", 35, ``, []string{
		`36: key "policy.no-telnet.remote_port": got a selector, expected ` + wantNoTLS}},
	{"opaque without protocol", 88, "local = [\"0.0.0.0/0\"]\nlocal_port = \"opaque\"", []string{
		`89: key "policy.rest.local_port": got a selector, expected ` + wantNoTLS}},
	{"ICMP types of another protocol", 75, `protocol = "tcp"`, []string{
		`76: key "tunnel.lab.policy[1].icmp": got a selector, expected protocol "icmp" or "icmpv6" beside it`}},
	// SAs
	{"ESP-03C static keys without consent", 1, ``, []string{
		`1: key "unsafe_static_keys": got false, expected true: the file has static SAs, whose keys are never changed (RFC 8221 3); without them remove every [[tunnel.sa]]`}},
	{"ESP-002 reserved SPI", 52, `spi_in = 255`, []string{
		`52: key "tunnel.office.sa[1].spi_in": got 255, expected ` + wantSPI}},
	{"NXT-010 SPI with the top bit", 53, `spi_out = "0x80000000"`, []string{
		`53: key "tunnel.office.sa[1].spi_out": got "0x80000000", expected ` + wantSPI}},
	{"SPI without 0x", 53, `spi_out = "2001"`, []string{
		`53: key "tunnel.office.sa[1].spi_out": got "2001", expected ` + wantSPI}},
	{"SPI negative", 52, `spi_in = -1`, []string{
		`52: key "tunnel.office.sa[1].spi_in": got -1, expected ` + wantSPI}},
	{"inbound SPI twice", 79, `spi_in = 4097`, []string{
		`79: key "tunnel.lab.sa[1].spi_in": got 0x1001 a second time, expected a value that differs from line 52`}},
	{"outbound SPI twice", 60, `spi_out = 8193`, []string{
		`60: key "tunnel.office.sa[2].spi_out": got 0x2001 a second time, expected a value that differs from line 53, which has the same peer`}},
	{"unknown algorithm", 54, `encr = "aes128gmc16"`, []string{
		`54: key "tunnel.office.sa[1].encr": got "aes128gmc16", expected ` + wantAlgs + `; the nearest is "aes128gcm16"`}},
	{"ESP-010 encryption without integrity", 62, ``, []string{
		`58: key "tunnel.office.sa[2].integ": got "none", expected an integrity algorithm: "aes128" does not authenticate`}},
	{"integrity twice", 54, "encr = \"aes128gcm16\"\ninteg = \"sha256\"", []string{
		`55: key "tunnel.office.sa[1].integ": got "sha256", expected no such key: "aes128gcm16" authenticates by itself`}},
	{"ESP-038 implicit IV with static keys", 54, `encr = "aes128gcm16iiv"`, []string{
		`54: key "tunnel.office.sa[1].encr": got "aes128gcm16iiv", expected an algorithm with an explicit IV: with static keys an implicit one repeats after a restart (RFC 8750 4)`}},
	{"ESP-034 key of another length", 54, `encr = "aes256gcm16"`, []string{
		`55: key "tunnel.office.sa[1].key_in": got a key of 20 octets, expected 36 octets for aes256gcm16: 32 of key and 4 of salt`,
		`56: key "tunnel.office.sa[1].key_out": got a key of 20 octets, expected 36 octets for aes256gcm16: 32 of key and 4 of salt`}},
	{"integrity key of another length", 62, `integ = "sha512"`, []string{
		`63: key "tunnel.office.sa[2].key_in": got a key of 48 octets, expected 80 octets for aes128-sha512: 16 of key and 64 of integrity key`,
		`64: key "tunnel.office.sa[2].key_out": got a key of 48 octets, expected 80 octets for aes128-sha512: 16 of key and 64 of integrity key`}},
	{"key with an odd digit", 55, `key_in = "00112233445566778899aabbccddeeff0011223"`, []string{
		`55: key "tunnel.office.sa[1].key_in": got a string of 39 characters, expected ` + wantHex}},
	{"key that is a number", 55, `key_in = 1122334455667788`, []string{
		`55: key "tunnel.office.sa[1].key_in": got an integer, expected ` + wantHex}},
	{"key without quotes", 55, `key_in = 00112233445566778899aabbccddeeff00112233`, []string{
		`55: got text that is not TOML, expected TOML 1.0: Invalid integer "[...]": cannot have leading zeroes`}},
	{"key under another name", 53, `spi_out = "00112233445566778899aabbccddeeff00112233"`, []string{
		`53: key "tunnel.office.sa[1].spi_out": got a string of 40 characters, expected ` + wantSPI}},
	{"no key", 55, ``, []string{
		`51: key "tunnel.office.sa[1].key_in": got no value, expected this key or key_in_file, one of them is required`}},
	{"key and file", 55, "key_in = \"000102030405060708090a0b0c0d0e0f10111213\"\nkey_in_file = \"k\"", []string{
		`56: key "tunnel.office.sa[1].key_in_file": got "k" beside key_in, expected one of the two`}},
	{"the same key both ways", 56, `key_out = "000102030405060708090a0b0c0d0e0f10111213"`, []string{
		`56: key "tunnel.office.sa[1].key_out": got the same key as tunnel.office.sa[1].key_in, expected ` + wantTwin}},
	{"the same key with another salt", 56, `key_out = "000102030405060708090a0b0c0d0e0fffffffff"`, []string{
		`56: key "tunnel.office.sa[1].key_out": got the same key as tunnel.office.sa[1].key_in, expected ` + wantTwin}},
}

// replaced returns good.toml with one line replaced.
func replaced(t *testing.T, line int, text string) []byte {
	t.Helper()
	good, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(good), "\n")
	lines[line-1] = text
	return []byte(strings.Join(lines, "\n"))
}

// checkProblems compares the messages of an *Errors.
func checkProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var e *Errors
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Errors", err)
	}
	got := strings.Split(e.Error(), "\n")
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = "f.toml:" + want[i]
		}
		if g != w {
			t.Errorf("problem %d\n got %s\nwant %s", i+1, g, w)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range badFiles {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Parse("f.toml", replaced(t, c.line, c.text))
			if cfg != nil {
				t.Errorf("a Config came with the error %v", err)
			}
			checkProblems(t, err, c.want)
		})
	}
}
