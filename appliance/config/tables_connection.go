package config

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"stillwater/crypto/suite"
)

// connectionDraft is a Connection with the name of its secret's file and its children as they were read.
type connectionDraft struct {
	Connection
	auth     AuthMethod
	pskFile  string
	children []childDraft
	at       *place
}

// childDraft is a ConnectionChild with its selectors.
type childDraft struct {
	ConnectionChild
	traffic trafficDraft
	policy  policyDraft
	at      *place
}

// ikeDraft is an IKE and where it stands.
type ikeDraft struct {
	IKE
	at *place
}

// The limits of connections.
const (
	maxDatagram   = 65535 // octets of an IP datagram
	maxHalfOpen   = 1_000_000
	shortestRekey = time.Second // for tests; below it nothing but rekeys would happen
	longestRekey  = 365 * day
	maxJitter     = 50 // percent
)

// connectionTable is the schema of [[connection]].
var connectionTable = table[connectionDraft]{
	place: func(n *connectionDraft, at *place) { n.at = at }, label: byName,
	rows: []row[connectionDraft]{
		key("name", nameKind, must{}, "name of the connection", func(n *connectionDraft) *string { return &n.Name }),
		key("local", addrKind, nil, "own outer address, of an outside port; without it the only one of the family of remote", func(n *connectionDraft) *netip.Addr { return &n.Local }),
		key("remote", remoteKind, must{}, "where the peer is; with more than one address only the peer can begin", func(n *connectionDraft) *[]AddrRange { return &n.Remote }),
		key("local_id", identityKind, nil, "own identity; without it the own address", func(n *connectionDraft) *string { return &n.LocalID }),
		key("remote_id", identityKind, nil, `identity that the peer must prove, or a pattern such as "*.example.org", or "%any" with certificates; without it the peer's only address`, func(n *connectionDraft) *string { return &n.RemoteID }),
		key("auth", choice[AuthMethod](authWords...), nil, "how both sides prove who they are; without it the files tell: psk_file, or cert_file, key_file and ca_file", func(n *connectionDraft) *AuthMethod { return &n.auth }),
		key("local_auth", choice[AuthMethod](authWords...), nil, "how we prove who we are, where the sides differ", func(n *connectionDraft) *AuthMethod { return &n.LocalAuth }),
		key("remote_auth", choice[AuthMethod](authWords...), nil, "how the peer proves who it is, where the sides differ", func(n *connectionDraft) *AuthMethod { return &n.RemoteAuth }),
		key("psk_file", pathKind, nil, "file with the secret that both sides share, text or 0x and hexadecimal digits, readable by its owner only", func(n *connectionDraft) *string { return &n.pskFile }),
		key("cert_file", pathKind, nil, "file with our certificate, and those between it and the peer's trust anchor", func(n *connectionDraft) *string { return &n.CertFile }),
		key("key_file", pathKind, nil, "file with the private key of the certificate, readable by its owner only", func(n *connectionDraft) *string { return &n.KeyFile }),
		key("ca_file", listOf(pathKind), nil, "files with certificates of the authorities that the peer's must lead to", func(n *connectionDraft) *[]string { return &n.CAFiles }),
		key("crl_file", listOf(pathKind), nil, "files with certificate revocation lists", func(n *connectionDraft) *[]string { return &n.CRLFiles }),
		key("crl", choice[CRLPolicy](crlWords...), "ifpresent", "strict: a certificate without a current revocation list is refused", func(n *connectionDraft) *CRLPolicy { return &n.CRL }),
		key("signature", listOf(signatureKind), nil, "signatures in order of preference; without it all, RSA with PSS first", func(n *connectionDraft) *[]string { return &n.Signatures }),
		key("proposals", listOf(ikeProposalKind), nil, "proposals for the IKE SA in order of preference; without it AES-GCM and AES-CBC with SHA-2 and common groups", func(n *connectionDraft) *[]suite.IKEProposal { return &n.Proposals }),
		key("encap", choice[UDPEncap](udpEncapWords...), "auto", "udp: ESP in UDP port 4500 also where there is no NAT", func(n *connectionDraft) *UDPEncap { return &n.Encap }),
		key("iptfs", choice[IPTFS](iptfsWords...), "prefer", "AGGFRAG: prefer falls back to plain ESP where the peer declines, require never does; mode constant always requires it", func(n *connectionDraft) *IPTFS { return &n.IPTFS }),
		key("per_resource_sas", resourcesKind, nil, "SAs for lcores beside the first (RFC 9611), at most; without it auto with one remote address and several lcores, else off", func(n *connectionDraft) *int { return &n.PerResourceSAs }),
		key("start_action", choice[Start](startWords...), nil, "what begins the children: the peer, the first packet, or we at once; without it start with one remote address, else none", func(n *connectionDraft) *Start { return &n.StartAction }),
		key("close_action", choice[Start](startWords...), "none", "what begins a child again that the peer has closed", func(n *connectionDraft) *Start { return &n.CloseAction }),
		key("unique", choice[Unique](uniqueWords...), "replace", "another IKE SA of the same peer: replaces the old one, is refused, or comes beside it", func(n *connectionDraft) *Unique { return &n.Unique }),
		key("childless", choice[Childless](childlessWords...), "allow", "IKE SAs that begin without a child (RFC 6023)", func(n *connectionDraft) *Childless { return &n.Childless }),
		key("fragment_size", integer[int](minPacket, maxDatagram), int64(minIPv6), "IP datagrams of a fragmented IKE message, octets (RFC 7383)", func(n *connectionDraft) *int { return &n.FragmentSize }),
		key("rekey_time", period(shortestRekey, longestRekey, true), "4h", "replace an IKE SA so old", func(n *connectionDraft) *time.Duration { return &n.RekeyTime }),
		key("over_time", period(shortestRekey, longestRekey, false), nil, "close an IKE SA older than rekey_time by so much; without it a tenth of rekey_time", func(n *connectionDraft) *time.Duration { return &n.OverTime }),
		key("rekey_jitter", integer[int](0, maxJitter), int64(10), "percent by which a rekey comes earlier, at random", func(n *connectionDraft) *int { return &n.RekeyJitter }),
		key("dpd_delay", period(time.Second, day, true), "30s", "silence before the peer is asked whether it lives", func(n *connectionDraft) *time.Duration { return &n.DPDDelay }),
		key("retransmit_timeout", duration(100*time.Millisecond, time.Minute), "2s", "wait before the first retransmission; each further one is 1.8 times as long, up to a minute", func(n *connectionDraft) *time.Duration { return &n.RetransmitTimeout }),
		key("retransmit_tries", integer[int](1, 30), int64(7), "retransmissions before the peer is taken for dead", func(n *connectionDraft) *int { return &n.RetransmitTries }),
		many("child", &childTable, true, "traffic that the connection carries, with SAs of its own", func(n *connectionDraft) *[]childDraft { return &n.children }),
	},
}

// childTable is the schema of [[connection.child]].
var childTable = table[childDraft]{
	place: func(h *childDraft, at *place) { h.at, h.traffic.at, h.policy.at = at, at, at }, label: byName,
	rows: slices.Concat([]row[childDraft]{
		key("name", nameKind, must{}, "name of the child", func(h *childDraft) *string { return &h.Name }),
	}, lift(protectRows, func(h *childDraft) *policyDraft { return &h.policy }), []row[childDraft]{
		key("esp_proposals", listOf(espProposalKind), nil, "proposals for ESP in order of preference; without it AES-GCM, ChaCha20-Poly1305, and AES-CBC with SHA-2", func(h *childDraft) *[]suite.ESPProposal { return &h.Proposals }),
		key("rekey_time", period(shortestRekey, longestRekey, true), "1h", "replace an SA so old", func(h *childDraft) *time.Duration { return &h.Rekey.Time }),
		key("life_time", period(shortestRekey, longestRekey, false), nil, "stop an SA so old; without it rekey_time and a tenth", func(h *childDraft) *time.Duration { return &h.Rekey.HardTime }),
		key("rekey_bytes", lifeKind, int64(0), "replace an SA that encrypted so many octets; 0: never", func(h *childDraft) *uint64 { return &h.Rekey.Bytes }),
		key("life_bytes", someKind, nil, "stop an SA that encrypted so many octets; without it rekey_bytes and a tenth", func(h *childDraft) *uint64 { return &h.Rekey.HardBytes }),
		key("rekey_packets", lifeKind, int64(0), "replace an SA that sent so many packets; 0: never", func(h *childDraft) *uint64 { return &h.Rekey.Packets }),
		key("life_packets", someKind, nil, "stop an SA that sent so many packets; without it rekey_packets and a tenth", func(h *childDraft) *uint64 { return &h.Rekey.HardPackets }),
		key("rekey_jitter", integer[int](0, maxJitter), int64(10), "percent by which a rekey comes earlier, at random", func(h *childDraft) *int { return &h.Rekey.Jitter }),
	}, lift(trafficRows, func(h *childDraft) *trafficDraft { return &h.traffic })),
}

// someKind reads a limit of an SA that is not none.
var someKind = integer[uint64](1, math.MaxInt64)

// ikeTable is the schema of [ike]. The defaults are those of LIM-07 of the specification: half-open SAs cost memory and an
// exchange of keys each, and a flood of them must cost no more than that.
var ikeTable = table[ikeDraft]{
	place: func(k *ikeDraft, at *place) { k.at = at },
	rows: []row[ikeDraft]{
		key("half_open_cookies", integer[int](0, maxHalfOpen), int64(30), "half-open IKE SAs from which initiators must return a cookie; 0: always", func(k *ikeDraft) *int { return &k.HalfOpenCookies }),
		key("half_open_per_source", integer[int](1, maxHalfOpen), int64(5), "half-open IKE SAs of one address beyond which its requests are dropped", func(k *ikeDraft) *int { return &k.HalfOpenPerSource }),
		key("half_open_total", integer[int](1, maxHalfOpen), int64(10_000), "half-open IKE SAs beyond which all requests are dropped", func(k *ikeDraft) *int { return &k.HalfOpenTotal }),
		key("workers", integerOr("auto", 0, 1, 1024), "auto", "threads for key exchange and signatures", func(k *ikeDraft) *int { return &k.Workers }),
	},
}

// adminTable is the schema of [admin].
var adminTable = table[Admin]{
	rows: []row[Admin]{
		key("socket", socketKind, "/run/stillwater.sock", "unix socket for commands, for its owner only", func(a *Admin) *string { return &a.Socket }),
	},
}
