package config

import (
	"strings"
	"testing"
)

// The expectations that several keys of connections share.
const (
	wantRemote   = `an address "192.0.2.2", a prefix, a range, an array of these, or "%any"`
	wantIdentity = `an identity such as "gw.example.org", "user@example.org", "192.0.2.1" or "CN=gw, O=Example"`
	wantIKE      = `an IKE proposal such as "aes256gcm16-prfsha384-ecp384"`
	wantESP      = `an ESP proposal such as "aes256gcm16-x25519-esn"`
	wantPSK      = `a file of text, or of 0x and hexadecimal digits, with mode 0600 or 0400`
	wantPeriod   = `a duration such as "30s", "4h" or "1d", from 1s to `
	wantOne      = `"none": remote is not one address, so that only the peer can begin`
)

// badConnections are wrong files: testdata/connections.toml with one line replaced.
var badConnections = []badFile{
	// keys and values
	{"secret in the file", 24, `psk = "hunter2hunter2"`, []string{
		`18: key "connection.office.psk_file": got no value, expected this key, or cert_file, key_file and ca_file`,
		`24: key "connection.office.psk": got an unknown key, expected ` + wantKeys + `; nearest valid key: "psk_file"`}},
	{"IKE version", 25, `version = 1`, []string{
		`25: key "connection.office.version": got an unknown key, expected ` + wantKeys}},
	{"key of the connection in a child", 31, `dpd_delay = "1s"`, []string{
		`31: key "connection.office.child.net.dpd_delay": got an unknown key, expected ` + wantKeys}},
	{"remote name", 21, `remote = "gw.example.org"`, []string{`21: key "connection.office.remote": got "gw.example.org", expected ` + wantRemote}},
	{"remote of no host", 21, `remote = "0.0.0.0"`, []string{`21: key "connection.office.remote": got "0.0.0.0", expected ` + wantRemote}},
	{"any and more", 36, `remote = ["%any", "192.0.2.9"]`, []string{`36: key "connection.mobile.remote": got an array, expected ` + wantRemote}},
	{"identity with a line end", 22, `local_id = "a\nb"`, []string{`22: key "connection.office.local_id": got "a\nb", expected ` + wantIdentity}},
	{"no identity", 22, `local_id = ""`, []string{`22: key "connection.office.local_id": got "", expected ` + wantIdentity}},
	{"unknown method", 25, `auth = "eap"`, []string{`25: key "connection.office.auth": got "eap", expected one of "psk", "pubkey"`}},
	{"ALG-001 signature with SHA-1", 43, `signature = ["rsa-pkcs1-sha1"]`, []string{
		`43: key "connection.mobile.signature": got "rsa-pkcs1-sha1", expected one of rsa-pss, rsa-pkcs1, ecdsa, rsa-pss-sha512, rsa-pss-sha384, rsa-pss-sha256, rsa-pkcs1-sha512, rsa-pkcs1-sha384, rsa-pkcs1-sha256, ecdsa-sha512, ecdsa-sha384, ecdsa-sha256, ed25519`}},
	{"IKE proposal that is a number", 44, `proposals = [14]`, []string{`44: key "connection.mobile.proposals": got 14, expected ` + wantIKE}},
	{"period without unit", 49, `rekey_time = "4"`, []string{`49: key "connection.mobile.rekey_time": got "4", expected ` + wantPeriod + `8760h0m0s, or "0" for none`}},
	{"period too short", 65, `rekey_time = "10ms"`, []string{`65: key "connection.mobile.child.net.rekey_time": got "10ms", expected ` + wantPeriod + `8760h0m0s, or "0" for none`}},
	{"no grace", 50, `over_time = "0"`, []string{`50: key "connection.mobile.over_time": got "0", expected ` + wantPeriod + `8760h0m0s`}},
	{"jitter of more than half", 51, `rekey_jitter = 51`, []string{`51: key "connection.mobile.rekey_jitter": got 51, expected an integer from 0 to 50`}},
	{"FRG-003 fragments too small", 53, `fragment_size = 575`, []string{`53: key "connection.mobile.fragment_size": got 575, expected an integer from 576 to 65535`}},
	{"no resources", 52, `per_resource_sas = 0`, []string{`52: key "connection.mobile.per_resource_sas": got 0, expected "auto", "off", or an integer from 1 to 1024`}},
	{"start in another word", 25, `start_action = "route"`, []string{`25: key "connection.office.start_action": got "route", expected one of "none", "trap", "start"`}},
	{"socket here", 87, `socket = "stillwater.sock"`, []string{`87: key "admin.socket": got "stillwater.sock", expected an absolute path of at most 107 octets, or "" for none`}},
	{"socket too long", 87, `socket = "/` + strings.Repeat("s", 107) + `"`, []string{
		`87: key "admin.socket": got "/` + strings.Repeat("s", 59) + `" and 48 more characters, expected an absolute path of at most 107 octets, or "" for none`}},
	// names
	{"name twice", 34, `name = "office"`, []string{`34: key "connection.office.name": got "office" a second time, expected a value that differs from line 19`}},
	{"name of a child twice", 58, "[[connection.child]]\nname = \"net\"\nlocal_ts = [\"::/0\"]\nremote_ts = [\"::/0\"]\n[[connection.child]]", []string{
		`63: key "connection.mobile.child.net.name": got "net" a second time, expected a value that differs from line 59`}},
	// addresses
	{"own address of an inside port", 20, `local = "10.1.0.1"`, []string{
		`20: key "connection.office.local": got "10.1.0.1", expected an address of a port with role "outside"`}},
	{"no own address and several", 35, ``, []string{
		`33: key "connection.mobile.local": got no value, expected this key: the outside ports have 2 addresses of the family of remote`}},
	{"families differ", 21, `remote = "2001:db8::2"`, []string{`21: key "connection.office.remote": got addresses of more than one family, expected addresses of the family of local`}},
	{"remote is local", 21, `remote = "192.0.2.1"`, []string{`21: key "connection.office.remote": got "192.0.2.1", expected another address than local`}},
	{"remote inside", 21, `remote = "10.1.0.9"`, []string{`21: key "connection.office.remote": got "10.1.0.9", expected a route by an outside port, not by port.lan`}},
	{"remote without route", 14, `to = "203.0.113.0/24"`, []string{`21: key "connection.office.remote": got "198.51.100.2", expected an address with a route`}},
	// identities
	{"pattern for us", 22, `local_id = "*.example.org"`, []string{`22: key "connection.office.local_id": got "*.example.org", expected one identity, no pattern`}},
	{"nobody in particular", 37, ``, []string{
		`33: key "connection.mobile.remote_id": got no value, expected this key: remote is not one address that could stand for the peer`}},
	{"anyone with the secret", 23, `remote_id = "%any"`, []string{
		`23: key "connection.office.remote_id": got "%any", expected an identity or a narrower pattern: "%any" needs remote_auth "pubkey"`}},
	// authentication
	{"HAZ-25 no secret", 24, ``, []string{`18: key "connection.office.psk_file": got no value, expected this key, or cert_file, key_file and ca_file`}},
	{"HAZ-25 psk without secret", 24, `auth = "psk"`, []string{
		`18: key "connection.office.psk_file": got no value, expected this key, it belongs to local_auth or remote_auth "psk"`}},
	{"secret beside a certificate", 25, "cert_file = \"gw.crt\"", []string{
		`24: key "connection.office.psk_file": got a secret beside a certificate, expected one of the two, or local_auth and remote_auth where the sides differ`}},
	{"secret with pubkey", 43, "auth = \"pubkey\"\npsk_file = \"office.psk\"", []string{
		`44: key "connection.mobile.psk_file": got a value, expected no such key: it belongs to local_auth or remote_auth "psk"`}},
	{"no certificate", 38, ``, []string{`33: key "connection.mobile.cert_file": got no value, expected this key, it belongs to local_auth "pubkey"`}},
	{"no private key", 39, ``, []string{`33: key "connection.mobile.key_file": got no value, expected this key, it belongs to local_auth "pubkey"`}},
	{"no authority", 40, ``, []string{`33: key "connection.mobile.ca_file": got no value, expected this key, it belongs to remote_auth "pubkey"`}},
	{"CRL with a secret", 25, `crl = "strict"`, []string{`25: key "connection.office.crl": got a value, expected no such key: it belongs to remote_auth "pubkey"`}},
	{"strict without CRL", 41, ``, []string{`42: key "connection.mobile.crl": got "strict", expected crl_file beside it: every certificate would be refused`}},
	{"methods three times", 25, "auth = \"psk\"\nlocal_auth = \"psk\"\nremote_auth = \"psk\"", []string{
		`25: key "connection.office.auth": got "psk", expected no such key beside local_auth and remote_auth`}},
	{"secret that is not there", 24, `psk_file = "other.psk"`, []string{`24: key "connection.office.psk_file": got "other.psk": file does not exist, expected ` + wantPSK}},
	{"certificate that is not there", 38, `cert_file = "x.crt"`, []string{
		`38: key "connection.mobile.cert_file": got "x.crt": no such file or directory, expected a file that can be read`}},
	{"private key that is not there", 39, `key_file = "x.key"`, []string{
		`39: key "connection.mobile.key_file": got "x.key": no such file or directory, expected a file that can be read, with mode 0600 or 0400`}},
	{"authority that is not there", 40, `ca_file = ["ca.crt", "x.crt"]`, []string{
		`40: key "connection.mobile.ca_file": got "x.crt": no such file or directory, expected a file that can be read`}},
	{"CRL that is not there", 41, `crl_file = ["x.crl"]`, []string{
		`41: key "connection.mobile.crl_file": got "x.crl": no such file or directory, expected a file that can be read`}},
	// actions and times
	{"start to anywhere", 52, `start_action = "start"`, []string{`52: key "connection.mobile.start_action": got "start", expected ` + wantOne}},
	{"trap to anywhere", 52, `start_action = "trap"`, []string{`52: key "connection.mobile.start_action": got "trap", expected ` + wantOne}},
	{"start again to a prefix", 21, "remote = \"198.51.100.0/24\"\nclose_action = \"trap\"", []string{`22: key "connection.office.close_action": got "trap", expected ` + wantOne}},
	{"grace without limit", 49, `rekey_time = "0"`, []string{`50: key "connection.mobile.over_time": got "30m0s", expected no such key with rekey_time = "0"`}},
	{"stop before rekey", 66, `life_time = "10m"`, []string{`66: key "connection.mobile.child.net.life_time": got "10m0s", expected more than rekey_time`}},
	{"octets stop before rekey", 68, `life_bytes = 1000`, []string{`68: key "connection.mobile.child.net.life_bytes": got 1000, expected more than rekey_bytes`}},
	{"packets stop before rekey", 74, `life_packets = 99`, []string{`74: key "connection.mobile.child.net.life_packets": got 99, expected more than rekey_packets`}},
	{"fewer in all than before a cookie", 83, `half_open_total = 29`, []string{`82: key "ike.half_open_cookies": got 30, expected at most half_open_total, 29`}},
	{"fewer in all than of one", 83, "half_open_total = 2000\nhalf_open_per_source = 2001", []string{`84: key "ike.half_open_per_source": got 2001, expected at most half_open_total, 2000`}},
	// AGGFRAG
	{"AGG-002 plain child where AGGFRAG is required", 74, `mode = "tunnel"`, []string{
		`74: key "connection.mobile.child.net.mode": got "tunnel" with iptfs = "require", expected "aggregate" or "constant", or another iptfs: mode "tunnel" is plain ESP`}},
	{"AGGFRAG where it is off", 25, "iptfs = \"off\"\n[[connection.child]]\nname = \"x\"\nmode = \"aggregate\"\nlocal_ts = [\"::/0\"]\nremote_ts = [\"::/0\"]", []string{
		`28: key "connection.office.child.x.mode": got "aggregate" with iptfs = "off", expected "tunnel", or another iptfs: this mode is AGGFRAG (RFC 9347)`}},
	{"constant where AGGFRAG is off", 25, "iptfs = \"off\"\n[[connection.child]]\nname = \"x\"\nmode = \"constant\"\npath_is_mine = true\nl3_fixed_rate = \"1g\"\nlocal_ts = [\"::/0\"]\nremote_ts = [\"::/0\"]", []string{
		`28: key "connection.office.child.x.mode": got "constant" with iptfs = "off", expected "tunnel", or another iptfs: this mode is AGGFRAG (RFC 9347)`}},
	{"constant where plain ESP may do", 25, "iptfs = \"prefer\"\n[[connection.child]]\nname = \"x\"\nmode = \"constant\"\npath_is_mine = true\nl3_fixed_rate = \"1g\"\nlocal_ts = [\"::/0\"]\nremote_ts = [\"::/0\"]", []string{
		`28: key "connection.office.child.x.mode": got "constant" with iptfs = "prefer", expected iptfs = "require" beside it: plain ESP shows what a constant rate hides`}},
	{"constant on a path of others", 74, "mode = \"constant\"\nl3_fixed_rate = \"1g\"", []string{
		`58: key "connection.mobile.child.net.path_is_mine": got false, expected true: a constant rate ignores congestion and is allowed only where every link of the path is the operator's own (RFC 9347 2.4.1)`}},
	{"constant that begins with a packet", 25, "start_action = \"trap\"\nclose_action = \"trap\"\n[[connection.child]]\nname = \"x\"\nmode = \"constant\"\npath_is_mine = true\nl3_fixed_rate = \"1g\"\nlocal_ts = [\"::/0\"]\nremote_ts = [\"::/0\"]", []string{
		`25: key "connection.office.start_action": got "trap", expected "start" or "none": connection.office.child.x is constant, and traffic must not begin an exchange there`,
		`26: key "connection.office.close_action": got "trap", expected "start" or "none": connection.office.child.x is constant, and traffic must not begin an exchange there`}},
	{"bypass and sleep beside constant", 74, "mode = \"constant\"\npath_is_mine = true\nl3_fixed_rate = \"1g\"\n[system]\npoll = \"adaptive\"\n[[policy]]\nname = \"clear\"\naction = \"bypass\"\nlocal = [\"10.1.0.0/16\"]\nremote = [\"0.0.0.0/0\"]", []string{
		`78: key "system.poll": got "adaptive", expected "busy": connection.mobile.child.net is constant, and an lcore that sleeps shows when traffic wakes it`,
		`81: key "policy.clear.action": got "bypass", expected "discard": connection.mobile.child.net is constant, and clear traffic beside it shows what it hides`}},
	{"fixed rate without constant", 74, `l3_fixed_rate = "1g"`, []string{
		`74: key "connection.mobile.child.net.l3_fixed_rate": got a value in mode "aggregate", expected no such key: it belongs to mode "constant"`}},
	{"outer packets above the mtu", 71, `outer_packet_size = 1501`, []string{
		`71: key "connection.mobile.child.net.outer_packet_size": got 1501, expected at most 1500, the mtu of port.wan`}},
	{"flow label in IPv4", 74, `flow_label = 1`, []string{`74: key "connection.mobile.child.net.flow_label": got 1, expected 0 with an IPv4 outer header`}},
	{"VRF without port", 74, `vrf = 9`, []string{`74: key "connection.mobile.child.net.vrf": got 9, expected the VRF of at least one port`}},
	// selectors
	{"no selectors", 29, ``, []string{
		`27: key "connection.office.child.net.local_ts": got no value, expected this key, it is required: addresses on our side`}},
	{"selectors without a common family", 30, `remote_ts = ["2001:db8:1::/48"]`, []string{
		`30: key "connection.office.child.net.remote_ts": got addresses of another family than local_ts, expected at least one of the same family: no packet could match`}},
	{"ports without protocol", 62, ``, []string{`63: key "connection.mobile.child.net.remote_port": got a selector, expected ` + wantNoTLS}},
	{"the same ports in another order", 33, "[[connection]]\nname = \"twin\"\nlocal = \"192.0.2.1\"\nremote = \"198.51.100.3\"\npsk_file = \"office.psk\"\n" +
		"[[connection.child]]\nname = \"a\"\nlocal_ts = [\"10.1.0.0/16\"]\nremote_ts = [\"10.3.0.0/16\"]\nprotocol = \"tcp\"\nlocal_port = [\"80\", \"443\"]\n" +
		"[[connection.child]]\nname = \"b\"\nlocal_ts = [\"10.1.0.0/16\"]\nremote_ts = [\"10.3.0.0/16\"]\nprotocol = \"tcp\"\nlocal_port = [\"80\", \"444\"]\n" +
		"[[connection.child]]\nname = \"c\"\nlocal_ts = [\"10.1.0.0/16\"]\nremote_ts = [\"10.3.0.0/16\"]\nprotocol = \"tcp\"\nlocal_port = [\"443\", \"80\"]\n[[connection]]", []string{
		`52: key "connection.twin.child.c.local_ts": got the same selectors as connection.twin.child.a, expected selectors that differ from line 38 in something: the first match decides`}},
	{"the same selectors twice", 33, "[[connection]]\nname = \"twin\"\nlocal = \"192.0.2.1\"\nremote = \"198.51.100.3\"\npsk_file = \"office.psk\"\n[[connection.child]]\nname = \"net\"\nlocal_ts = [\"10.1.0.0/16\", \"10.1.0.0/16\"]\nremote_ts = [\"10.2.0.0/16\"]\n[[connection]]", []string{
		`40: key "connection.twin.child.net.local_ts": got the same selectors as connection.office.child.net, expected selectors that differ from line 27 in something: the first match decides`}},
}

func TestBadConnections(t *testing.T) {
	lines := strings.Split(string(readTestdata(t, "connections.toml")), "\n")
	for _, c := range badConnections {
		t.Run(c.name, func(t *testing.T) {
			changed := append([]string{}, lines...)
			changed[c.line-1] = c.text
			cfg, err := parseConnections(strings.Join(changed, "\n"))
			if cfg != nil {
				t.Errorf("a Config came with the error %v", err)
			}
			checkProblems(t, err, c.want)
		})
	}
}
