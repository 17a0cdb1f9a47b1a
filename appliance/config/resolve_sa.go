package config

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"stillwater/crypto/suite"
)

// checkSAs checks the static SAs of all tunnels, each for itself and then against each other.
func (r *reader) checkSAs(f *fileDraft) {
	n := 0
	for i := range f.tunnels {
		n += len(f.tunnels[i].sas)
	}
	if n > 0 && !f.unsafeKeys && f.at.ok("unsafe_static_keys") {
		r.refuse(f.at, "unsafe_static_keys", "false",
			"true: the file has static SAs, whose keys are never changed (RFC 8221 3); without them remove every [[tunnel.sa]]")
	}
	r.checkSPIs(f)
	var keys []usedKey
	for i := range f.tunnels {
		for j := range f.tunnels[i].sas {
			keys = append(keys, r.checkSA(&f.tunnels[i].sas[j])...)
		}
	}
	r.checkReuse(keys)
}

// checkSPIs refuses an SPI that would name two SAs: ours are one space, the peer's are one space per address.
func (r *reader) checkSPIs(f *fileDraft) {
	type outbound struct {
		remote netip.Addr
		spi    uint32
	}
	in, out := map[uint32]int{}, map[outbound]int{}
	for i := range f.tunnels {
		t := &f.tunnels[i]
		for j := range t.sas {
			s := &t.sas[j]
			key := outbound{t.Remote, s.SPIOut}
			if s.at.ok("spi_in") && in[s.SPIIn] != 0 {
				r.refuse(s.at, "spi_in", fmt.Sprintf("%#x a second time", s.SPIIn), fmt.Sprintf("a value that differs from line %d", in[s.SPIIn]))
			}
			if s.at.ok("spi_out") && t.at.ok("remote") && out[key] != 0 {
				r.refuse(s.at, "spi_out", fmt.Sprintf("%#x a second time", s.SPIOut), fmt.Sprintf("a value that differs from line %d, which has the same peer", out[key]))
			}
			in[s.SPIIn], out[key] = s.at.line("spi_in"), s.at.line("spi_out")
		}
	}
}

// usedKey is the part of a key that must not be used twice, and where it stands.
type usedKey struct {
	at     *place
	name   string
	octets []byte
}

// checkSA checks the algorithms and keys of one pair.
func (r *reader) checkSA(s *saDraft) (used []usedKey) {
	st, ok := r.suite(s.at, &s.Encr, &s.Integ)
	if ok && st.Encr.ImplicitIV {
		r.refuse(s.at, "encr", fmt.Sprintf("%q", s.Encr), "an algorithm with an explicit IV: with static keys an implicit one repeats after a restart (RFC 8750 4)")
		ok = false
	}
	for _, k := range []struct {
		name string
		key  *Key
		file string
	}{{"key_in", &s.KeyIn, s.keyInFile}, {"key_out", &s.KeyOut, s.keyOutFile}} {
		name, have := r.findKey(s.at, k.name, k.file, k.key)
		if have && ok && r.checkLength(s.at, name, *k.key, st) {
			used = append(used, usedKey{s.at, name, k.key.Bytes()[:st.KeyLen()]})
		}
	}
	return used
}

// suite resolves the names of algorithms to canonical ones.
func (r *reader) suite(at *place, encr, integ *string) (suite.ESP, bool) {
	if !at.ok("encr", "integ") {
		return suite.ESP{}, false
	}
	st, err := suite.ParseESP(*encr, *integ)
	if err == nil {
		*encr, *integ = st.Encr.Name, st.Integ.Name
		return st, true
	}
	var name *suite.NameError
	switch {
	case errors.As(err, &name):
		key, value := "encr", *encr
		if name.Table == "integrity" {
			key, value = "integ", *integ
		}
		want := fmt.Sprintf("an %s algorithm: %s", name.Table, strings.Join(name.Valid, ", "))
		if name.Nearest != "" {
			want += fmt.Sprintf("; the nearest is %q", name.Nearest)
		}
		if name.Reason != "" {
			want += fmt.Sprintf(" (not supported: %s)", name.Reason)
		}
		r.refuse(at, key, describe(value, false), want)
	case *integ == "" || *integ == "none":
		r.refuse(at, "integ", `"none"`, fmt.Sprintf("an integrity algorithm: %q does not authenticate", *encr))
	default:
		r.refuse(at, "integ", describe(*integ, false), fmt.Sprintf("no such key: %q authenticates by itself", *encr))
	}
	return suite.ESP{}, false
}

// findKey reads the key from its file if it is there, and returns the name of the TOML key that gave it.
func (r *reader) findKey(at *place, name, file string, k *Key) (string, bool) {
	fileName := name + "_file"
	switch {
	case !at.ok(name, fileName):
		return "", false
	case k.Len() > 0 && file != "":
		r.refuse(at, fileName, fmt.Sprintf("%s beside %s", describe(file, false), name), "one of the two")
		return "", false
	case k.Len() > 0:
		return name, true
	case file == "":
		r.refuse(at, name, "no value", "this key or "+fileName+", one of them is required")
		return "", false
	}
	read, err := r.files.key(file)
	if err != nil {
		r.refuse(at, fileName, fmt.Sprintf("%s: %v", describe(file, false), err), "a file of hexadecimal digits with mode 0600 or 0400")
		return "", false
	}
	*k = read
	return fileName, true
}

// checkLength refuses a key that does not fit the algorithms.
func (r *reader) checkLength(at *place, name string, k Key, st suite.ESP) bool {
	if k.Len() == st.KeymatLen() {
		return true
	}
	r.refuse(at, name, fmt.Sprintf("a key of %d octets", k.Len()), lengthOf(st))
	return false
}

// lengthOf says how long key material is, and of what it consists.
func lengthOf(st suite.ESP) string {
	want := fmt.Sprintf("%d octets for %v", st.KeymatLen(), st)
	switch {
	case st.SaltLen() > 0:
		want += fmt.Sprintf(": %d of key and %d of salt", st.KeyLen(), st.SaltLen())
	case st.Encr.KeyLen > 0:
		want += fmt.Sprintf(": %d of key and %d of integrity key", st.Encr.KeyLen, st.Integ.KeyLen)
	}
	return want
}

// checkReuse refuses a key that a second SA has: a counter mode would use the same key stream twice (RFC 4106 3.1).
func (r *reader) checkReuse(keys []usedKey) {
	for i, k := range keys {
		for _, o := range keys[:i] {
			if subtle.ConstantTimeCompare(k.octets, o.octets) == 1 {
				r.refuse(k.at, k.name, fmt.Sprintf("the same key as %s", o.at.key(o.name)), "a key of its own for each direction of each SA")
				break
			}
		}
	}
}
