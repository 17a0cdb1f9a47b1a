package config

import (
	"fmt"
	"slices"

	"stillwater/crypto/suite"
)

// natPort is the port of ESP in UDP (RFC 3948 2.1).
const natPort = 4500

// wipe overwrites the keys of a file that was refused.
func (f *keysDraft) wipe() {
	for i := range f.sas {
		f.sas[i].Key.Wipe()
		f.sas[i].integKey.Wipe()
	}
}

// resolveKeys checks the SAs of a key file. The result is of no use when the reader has problems afterwards.
func (r *reader) resolveKeys(f *keysDraft) *KeySet {
	out := &KeySet{File: r.file}
	for i := range f.sas {
		s := &f.sas[i]
		if st, ok := r.suite(s.at, &s.Encr, &s.Integ); ok {
			r.joinKeys(s, st)
		}
		r.checkCapture(s)
		twin := func(o captureDraft) bool { return o.at.ok("spi") && o.SPI == s.SPI && o.Dst == s.Dst }
		if j := slices.IndexFunc(f.sas[:i], twin); j >= 0 && s.at.ok("spi", "dst") {
			r.refuse(s.at, "spi", fmt.Sprintf("%#x a second time", s.SPI), fmt.Sprintf("a value that differs from line %d, or another dst", f.sas[j].at.line("spi")))
		}
		out.SAs = append(out.SAs, s.CaptureSA)
	}
	return out
}

// joinKeys makes one KEYMAT of key and integ_key and checks its length.
func (r *reader) joinKeys(s *captureDraft, st suite.ESP) {
	if !s.at.ok("key", "integ_key") {
		return
	}
	if !s.at.has("integ_key") {
		r.checkLength(s.at, "key", s.Key, st)
		return
	}
	switch {
	case st.Integ.KeyLen == 0:
		r.refuse(s.at, "integ_key", fmt.Sprintf("a key of %d octets", s.integKey.Len()), fmt.Sprintf("no such key: %v authenticates by itself", st))
	case s.Key.Len() != st.Encr.KeyLen:
		r.refuse(s.at, "key", fmt.Sprintf("a key of %d octets", s.Key.Len()), fmt.Sprintf("%d octets for %s beside integ_key", st.Encr.KeyLen, st.Encr.Name))
	case s.integKey.Len() != st.Integ.KeyLen:
		r.refuse(s.at, "integ_key", fmt.Sprintf("a key of %d octets", s.integKey.Len()), fmt.Sprintf("%d octets for %s", st.Integ.KeyLen, st.Integ.Name))
	default:
		joined := NewKey(slices.Concat(s.Key.Bytes(), s.integKey.Bytes()))
		s.Key.Wipe()
		s.integKey.Wipe()
		s.Key = joined
	}
}

// checkCapture checks the rest of one SA and fills in the ports. Settings of mode "iptfs" are no mistake in mode "tunnel":
// programs write these files too, with all keys for every SA, and nothing runs on them.
func (r *reader) checkCapture(s *captureDraft) {
	if s.at.ok("src", "dst") && s.Src.IsValid() && s.Dst.IsValid() && s.Src.Is4() != s.Dst.Is4() {
		r.refuse(s.at, "dst", fmt.Sprintf("%q", s.Dst), "an address of the family of src")
	}
	if s.at.ok("esn") && s.ESNInitialHi != 0 && !s.ESN {
		r.refuse(s.at, "esn_initial_hi", fmt.Sprintf("%d", s.ESNInitialHi), "no such key without esn = true")
	}
	if n := s.ReplayWindow; s.at.ok("replay_window", "esn") && (n > 0 && n < 32 || n == 0 && s.ESN) {
		r.refuse(s.at, "replay_window", fmt.Sprintf("%d", n), "at least 32 (RFC 4303 3.4.3), or 0 without esn")
	}
	for _, p := range []struct {
		name string
		port *uint16
	}{{"sport", &s.SrcPort}, {"dport", &s.DstPort}} {
		switch {
		case s.Encap == EncapUDP && !s.at.has(p.name):
			*p.port = natPort
		case s.Encap == EncapNone && s.at.has(p.name) && s.at.ok(p.name, "encap"):
			r.refuse(s.at, p.name, fmt.Sprintf("%d", *p.port), `no such key without encap = "udp"`)
		}
	}
}
