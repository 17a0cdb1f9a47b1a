package config

import "fmt"

// authKey is a key that means something with some ways to authenticate only.
type authKey struct {
	name     string
	needed   func(n *connectionDraft) bool
	optional bool
	with     string // completes "it belongs to"
}

// usesPSK reports whether a side proves itself by the shared secret.
func (n *connectionDraft) usesPSK() bool { return n.LocalAuth == AuthPSK || n.RemoteAuth == AuthPSK }

// signs reports whether we prove ourselves by a certificate.
func (n *connectionDraft) signs() bool { return n.LocalAuth == AuthPubkey }

// verifies reports whether the peer does.
func (n *connectionDraft) verifies() bool { return n.RemoteAuth == AuthPubkey }

// authKeys are the keys that depend on how the sides authenticate.
var authKeys = []authKey{
	{"psk_file", (*connectionDraft).usesPSK, false, `local_auth or remote_auth "psk"`},
	{"cert_file", (*connectionDraft).signs, false, `local_auth "pubkey"`},
	{"key_file", (*connectionDraft).signs, false, `local_auth "pubkey"`},
	{"ca_file", (*connectionDraft).verifies, false, `remote_auth "pubkey"`},
	{"crl_file", (*connectionDraft).verifies, true, `remote_auth "pubkey"`},
	{"crl", (*connectionDraft).verifies, true, `remote_auth "pubkey"`},
	{"signature", func(n *connectionDraft) bool { return n.signs() || n.verifies() }, true, `local_auth or remote_auth "pubkey"`},
}

// authRules are the combinations of keys that depend on how the sides authenticate.
var authRules = []rule[connectionDraft]{
	// A pattern of all with a shared secret would let everyone who has it speak for everyone (RFC 4301 4.4.3).
	{"remote_id", nil, func(n *connectionDraft) bool { return n.RemoteID == anyWord && n.RemoteAuth == AuthPSK },
		says[connectionDraft](`"%any"`), `an identity or a narrower pattern: "%any" needs remote_auth "pubkey"`},
	{"crl", []string{"crl_file"}, func(n *connectionDraft) bool { return n.CRL == CRLStrict && len(n.CRLFiles) == 0 },
		says[connectionDraft](`"strict"`), "crl_file beside it: every certificate would be refused"},
}

// resolveAuth finds out how the sides authenticate, and reads or checks the files for it.
func (r *reader) resolveAuth(n *connectionDraft) {
	if !n.at.ok("auth", "local_auth", "remote_auth", "psk_file", "cert_file", "key_file", "ca_file") || !r.chooseAuth(n) {
		return
	}
	for _, k := range authKeys {
		switch {
		case k.needed(n) && !k.optional && !n.at.has(k.name):
			r.refuse(n.at, k.name, "no value", "this key, it belongs to "+k.with)
		case !k.needed(n) && n.at.has(k.name):
			r.refuse(n.at, k.name, "a value", "no such key: it belongs to "+k.with)
		}
	}
	check(r, n.at, authRules, n)
	r.readSecret(n)
	r.checkFiles(n)
}

// chooseAuth sets both methods, from the files where the file does not name them; false after a problem.
func (r *reader) chooseAuth(n *connectionDraft) bool {
	secret := n.at.has("psk_file")
	certificate := n.at.has("cert_file") || n.at.has("key_file") || n.at.has("ca_file")
	local, remote, method := n.at.has("local_auth"), n.at.has("remote_auth"), n.auth
	switch {
	case n.at.has("auth") && local && remote:
		r.refuse(n.at, "auth", fmt.Sprintf("%q", n.auth), "no such key beside local_auth and remote_auth")
		return false
	case n.at.has("auth") || local && remote:
	case secret && certificate:
		r.refuse(n.at, "psk_file", "a secret beside a certificate", "one of the two, or local_auth and remote_auth where the sides differ")
		return false
	case certificate:
		method = AuthPubkey
	case !secret:
		r.refuse(n.at, "psk_file", "no value", "this key, or cert_file, key_file and ca_file")
		return false
	}
	if !local {
		n.LocalAuth = method
	}
	if !remote {
		n.RemoteAuth = method
	}
	return true
}

// advisedSecret is how long a secret should at least be, octets: the strength of the weakest cipher we offer (RFC 7296 2.15).
const advisedSecret = 16

// readSecret reads the shared secret.
func (r *reader) readSecret(n *connectionDraft) {
	if n.pskFile == "" || !n.at.ok("psk_file") {
		return
	}
	psk, err := r.files.secret(n.pskFile)
	if err != nil {
		r.refuse(n.at, "psk_file", fmt.Sprintf("%s: %v", describe(n.pskFile, false), err), "a file of text, or of 0x and hexadecimal digits, with mode 0600 or 0400")
		return
	}
	if n.PSK = psk; psk.Len() < advisedSecret {
		r.warn(n.at, "psk_file", fmt.Sprintf("a secret of %d octets, at least %d random ones are advised (RFC 7296 2.15)", psk.Len(), advisedSecret))
	}
}

// checkFiles refuses files that cannot be read, and a private key that others can, and completes the paths. What is in them is
// for package ike/auth to read.
func (r *reader) checkFiles(n *connectionDraft) {
	r.checkFile(n.at, "cert_file", &n.CertFile, false)
	r.checkFile(n.at, "key_file", &n.KeyFile, true)
	for i := range n.CAFiles {
		r.checkFile(n.at, "ca_file", &n.CAFiles[i], false)
	}
	for i := range n.CRLFiles {
		r.checkFile(n.at, "crl_file", &n.CRLFiles[i], false)
	}
}

// checkFile checks one file and completes its path.
func (r *reader) checkFile(at *place, name string, path *string, private bool) {
	if *path == "" || !at.ok(name) {
		return
	}
	want := "a file that can be read"
	if private {
		want += ", with mode 0600 or 0400"
	}
	full, err := r.files.find(*path, private)
	if err != nil {
		r.refuse(at, name, fmt.Sprintf("%s: %v", describe(*path, false), err), want)
		return
	}
	*path = full
}
