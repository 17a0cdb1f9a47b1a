package ike

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"stillwater/crypto/prf"
	"stillwater/crypto/sign"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// session is a recording of two foreign peers, with what their logs say about keys (KAT-11).
type session struct {
	t     *testing.T
	psk   []byte
	keys  []keySet
	intas [][]byte // IntAuth values of RFC 9242, initiator's and responder's
	init1 []byte
	init2 []byte
	ends  [2]*ikeSA // as the initiator and as the responder have it
	asms  [2]assembly

	opened int
	proofs int
}

// keySet is one generation of keys in a log.
type keySet struct{ secret, skeyseed, d, ei, er, pi, pr []byte }

// Two kinds of recordings of foreign peers: every IKE message opens with keys derived here from the recorded secret, the
// derived keys are those in the peers' logs, and the proofs of both sides verify.
func TestKAT11_RecordedSessions(t *testing.T) {
	dir := os.Getenv("STILLWATER_INTEROP")
	if dir == "" {
		t.Skip("SKIP: STILLWATER_INTEROP is not set")
	}
	// The messages of each recording that are protected and those whose proof is recomputed here.
	for name, want := range map[string]struct{ opened, proofs int }{
		"iptfs": {2, 2}, "v6": {2, 2}, "cert": {2, 2}, "libreswan": {2, 2}, "percpu": {6, 2}, "encap": {8, 2}, "mlkem": {6, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := loadSession(t, filepath.Join(dir, "captures", name))
			s.replay(filepath.Join(dir, "captures", name+".pcap"))
			if s.opened < want.opened || s.proofs != want.proofs {
				t.Errorf("opened %d messages and verified %d proofs, want %d or more and %d", s.opened, s.proofs, want.opened, want.proofs)
			}
		})
	}
}

func TestKAT11_CorpusSession(t *testing.T) {
	dir := os.Getenv("STILLWATER_CORPUS")
	if dir == "" {
		t.Skip("SKIP: STILLWATER_CORPUS is not set")
	}
	var keys map[string]any
	readJSON(t, filepath.Join(dir, "ike_strongswan.keys.json"), &keys)
	get := func(name string) []byte { return unhex(t, keys[name].(string)) }
	s := &session{t: t, psk: []byte(keys["psk"].(string))}
	s.keys = []keySet{{d: get("Sk_d"), ei: get("Sk_ei"), er: get("Sk_er"), pi: get("Sk_pi"), pr: get("Sk_pr")}}
	s.replay(filepath.Join(dir, "ike_strongswan.pcap"))
	if s.opened < 2 || s.proofs != 2 {
		t.Errorf("opened %d messages and verified %d proofs, want 2 or more and 2", s.opened, s.proofs)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// loadSession reads the keys of a recording. A log begins another generation with each SKEYSEED; the entry before it is the
// secret it comes from.
func loadSession(t *testing.T, path string) *session {
	var file struct {
		PSK  string
		Keys []struct{ Name, Hex string } `json:"ike_keys_in_log_order"`
	}
	readJSON(t, path+".keys.json", &file)
	s := &session{t: t, psk: []byte(file.PSK)}
	var secret []byte
	for _, k := range file.Keys {
		value := unhex(t, k.Hex)
		last := len(s.keys) - 1
		switch k.Name {
		case "key exchange":
			secret = value
		case "SKEYSEED":
			s.keys = append(s.keys, keySet{secret: secret, skeyseed: value})
		case "Sk_d":
			s.keys[last].d = value
		case "Sk_ei":
			s.keys[last].ei = value
		case "Sk_er":
			s.keys[last].er = value
		case "Sk_pi":
			s.keys[last].pi = value
		case "Sk_pr":
			s.keys[last].pr = value
		case "IntAuth_N = prf(Sk_px, data)":
			s.intas = append(s.intas, value)
		}
	}
	return s
}

// message opens one message with the keys of its time, or derives them from the two in the clear.
func (s *session) message(d Datagram) {
	s.t.Helper()
	h, err := wire.ParseHeader(d.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case h.Exchange == wire.ExchangeSAInit && !h.Response():
		s.init1 = d.Data
	case h.Exchange == wire.ExchangeSAInit:
		s.init2 = d.Data
		s.derive(d, h)
	case h.SPIi == s.ends[0].spiI:
		s.open(d, h)
	}
}

// derive makes the keys from the recorded secret and holds them against the log (IKE-081), and the NAT hashes against the
// addresses (IKE-160).
func (s *session) derive(d Datagram, h wire.Header) {
	s.t.Helper()
	request, response := s.clear(s.init1, d.Remote, d.Local), s.clear(s.init2, d.Local, d.Remote)
	chosen := response.sa().Proposals[0]
	var own []wire.Transform
	for _, x := range chosen.Transforms {
		if x.Type <= wire.TransformKE { // the additional key exchanges of RFC 9370 are no part of a suite here
			own = append(own, x)
		}
	}
	chosen.Transforms = own
	st, ok := ikeSuite(chosen)
	if !ok {
		s.t.Fatalf("no suite has the transforms %v", own)
	}
	p, err := prf.New(st.PRF.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	in := keyInputs{p, st, request.nonce().Data, response.nonce().Data, h.SPIi, h.SPIr}
	if s.keys[0].secret != nil {
		s.checkKeys(in)
	}
	for i := range s.ends {
		s.ends[i] = s.newEnd(in, i == 0)
	}
	s.use(0)
	for _, m := range []*message{request, response} {
		if behind, self := natFound(m); behind != (s.t.Name() == "TestKAT11_RecordedSessions/encap") || self {
			s.t.Errorf("%v: NAT found at the peer %v, here %v", m.header.Flags, behind, self)
		}
	}
}

func (s *session) clear(data []byte, to, from netip.AddrPort) *message {
	s.t.Helper()
	h, _ := wire.ParseHeader(data)
	m, err := parseInit(Datagram{Local: to, Remote: from, Data: data}, h)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// checkKeys compares the first generation with what derive makes of its secret, and the second, of an additional key
// exchange (MKE-002).
func (s *session) checkKeys(in keyInputs) {
	s.t.Helper()
	keys, err := in.derive(bytes.Clone(s.keys[0].secret))
	if err != nil {
		s.t.Fatal(err)
	}
	s.equal(keys, s.keys[0])
	if len(s.intas) == 0 {
		return
	}
	seed := prf.RekeySkeyseed(in.prf, keys.D, s.keys[1].secret, in.ni, in.nr)
	next, err := prf.DeriveIKE(in.prf, seed, in.ni, in.nr, in.spiI, in.spiR, len(s.keys[1].ei), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.equal(next, s.keys[1])
}

func (s *session) equal(got *prf.Keys, want keySet) {
	s.t.Helper()
	for _, k := range []struct {
		name      string
		got, want []byte
	}{{"SK_d", got.D, want.d}, {"SK_ei", got.Ei, want.ei}, {"SK_er", got.Er, want.er}, {"SK_pi", got.Pi, want.pi}, {"SK_pr", got.Pr, want.pr}} {
		if !bytes.Equal(k.got, k.want) {
			s.t.Errorf("%s is %x, the log says %x", k.name, k.got, k.want)
		}
	}
}

// newEnd is one side of the recorded SA.
func (s *session) newEnd(in keyInputs, initiator bool) *ikeSA {
	a, _ := pskPair()
	e, err := New(Config{Connections: []*Connection{a}, Lcores: 1, NewSPI: func(int) (uint32, error) { return 256, nil }, Place: func() int { return 0 }})
	if err != nil {
		s.t.Fatal(err)
	}
	x := e.newSA(0, a, initiator)
	x.spiI, x.spiR, x.prf, x.suite = in.spiI, in.spiR, in.prf, in.suite
	x.peerFragments, x.fragmentSize, x.authenticated = true, 1280, true
	x.setup = &setup{init1: s.init1, init2: s.init2, ni: in.ni, nr: in.nr}
	return x
}

// use gives both ends one generation of keys.
func (s *session) use(generation int) {
	k := s.keys[generation]
	for _, x := range s.ends {
		x.keys = &prf.Keys{D: k.d, Ei: k.ei, Er: k.er, Pi: k.pi, Pr: k.pr}
	}
}

// open opens one protected message as its receiver would.
func (s *session) open(d Datagram, h wire.Header) {
	s.t.Helper()
	if len(s.intas) > 0 && h.Exchange == wire.ExchangeAuth {
		s.use(1)
	}
	i := 1 // the responder opens what the initiator has sent
	if !h.FromInitiator() {
		i = 0
	}
	m, err := s.ends[i].open(0, d, h, &s.asms[i])
	if err != nil {
		s.t.Fatalf("%v %d: %v", h.Exchange, h.MessageID, err)
	}
	if m == nil {
		if h.Next != wire.PayloadSKF {
			s.t.Fatalf("%v %d does not open", h.Exchange, h.MessageID)
		}
		return
	}
	s.asms[i] = assembly{}
	s.opened++
	if h.Exchange == wire.ExchangeAuth {
		s.proof(s.ends[i], m)
	}
}

// proof verifies AUTH: IKE-083, IKE-084, IKE-086, and INT-004 where there was an IKE_INTERMEDIATE.
func (s *session) proof(receiver *ikeSA, m *message) {
	s.t.Helper()
	id, proof := m.idi(), m.auth()
	if m.header.Response() {
		id = m.idr()
	}
	octets := receiver.peerOctets(*id)
	if len(s.intas) > 0 {
		id := binary.BigEndian.AppendUint32(nil, 2)
		octets = append(append(append(octets, s.intas[0]...), s.intas[1]...), id...)
	}
	s.proofs++
	if proof.Method == wire.AuthSignature {
		s.signature(m, octets)
		return
	}
	who, err := auth.FromWire(*id)
	if err != nil {
		s.t.Fatal(err)
	}
	peer := &auth.Peer{Name: "peer", ID: auth.Exactly(who), Method: auth.PSK, PSK: s.psk}
	claim := auth.Claim{Exchange: auth.Exchange{PRF: receiver.prf}, ID: *id, Auth: *proof, Octets: octets, Now: testDay}
	if _, err := auth.VerifyAuth(peer, claim); err != nil {
		s.t.Errorf("proof of %v: %v", who, err)
	}
}

func (s *session) signature(m *message, octets []byte) {
	s.t.Helper()
	leaf, err := x509.ParseCertificate(m.certs()[0].Data)
	if err == nil {
		err = sign.Verify(leaf.PublicKey, m.auth().Data, octets, sign.SupportedHashes())
	}
	if err != nil {
		s.t.Errorf("signature: %v", err)
	}
}
