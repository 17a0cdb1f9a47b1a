package control

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"stillwater/appliance/config"
	"stillwater/crypto/sign"
	"stillwater/ike"
	"stillwater/ike/auth"
)

// The words of the configuration in the engine's.
var (
	starts = map[config.Start]ike.StartAction{config.StartNone: ike.StartNone, config.StartTrap: ike.StartTrap, config.StartNow: ike.StartNow}
	unique = map[config.Unique]ike.Unique{config.UniqueReplace: ike.UniqueReplace, config.UniqueKeep: ike.UniqueKeep, config.UniqueNever: ike.UniqueNever}
	bare   = map[config.Childless]ike.Childless{
		config.ChildlessAllow: ike.ChildlessAllow, config.ChildlessNever: ike.ChildlessNever, config.ChildlessForce: ike.ChildlessForce,
	}
	iptfsWords = map[config.IPTFS]ike.IPTFS{config.IPTFSPrefer: ike.IPTFSPrefer, config.IPTFSRequire: ike.IPTFSRequire, config.IPTFSOff: ike.IPTFSOff}
	methods    = map[config.AuthMethod]auth.Method{config.AuthPSK: auth.PSK, config.AuthPubkey: auth.Pubkey}
	crlPolicy  = map[config.CRLPolicy]auth.CRLPolicy{config.CRLIfPresent: auth.CRLIfPresent, config.CRLStrict: auth.CRLStrict}
)

// connection turns configured connection i into the engine's form and loads its credentials.
func (c *Core) connection(i int) (*ike.Connection, error) {
	conn := &c.cfg.Connections[i]
	self, err := local(conn)
	if err != nil {
		return nil, err
	}
	them, err := peer(conn)
	if err != nil {
		return nil, err
	}
	out := &ike.Connection{
		Name: conn.Name, Local: conn.Local, Self: self, Them: them, Proposals: conn.Proposals, ForceEncap: conn.Encap == config.UDPForce,
		FragmentSize: conn.FragmentSize, RekeyTime: conn.RekeyTime, RekeyJitter: conn.RekeyJitter, OverTime: conn.OverTime,
		DPDDelay: conn.DPDDelay, Retransmit: retransmit(conn.RetransmitTimeout, conn.RetransmitTries), Start: starts[conn.StartAction],
		Restart: conn.CloseAction == config.StartNow, Unique: unique[conn.Unique], Childless: bare[conn.Childless],
		Resources: c.resources(conn),
	}
	out.Peer, _ = conn.Peer()
	for _, r := range conn.Remote {
		out.Remote = append(out.Remote, prefixes(r)...)
	}
	for j := range conn.Children {
		out.Children = append(out.Children, c.child(conn, i, j))
	}
	return out, nil
}

// retransmit keeps the back-off of the defaults and takes what the operator may change.
func retransmit(first time.Duration, tries int) ike.Retransmit {
	r := ike.DefaultRetransmit
	r.First, r.Tries = first, tries
	r.InitTries = min(r.InitTries, tries)
	return r
}

// child turns one configured child into the engine's form.
func (c *Core) child(conn *config.Connection, i, j int) *ike.Child {
	in := &conn.Children[j]
	p := c.cfg.PolicyOf(i, j)
	out := &ike.Child{
		Name: in.Name, Local: trafficSelectors(p.Local, &p, p.LocalPorts), Remote: trafficSelectors(p.Remote, &p, p.RemotePorts),
		Proposals: in.Proposals, IPTFS: iptfsWords[in.IPTFS], RekeyTime: in.Rekey.Time, RekeyJitter: in.Rekey.Jitter,
	}
	if in.Rekey.HardTime > in.Rekey.Time {
		out.OverTime = in.Rekey.HardTime - in.Rekey.Time
	}
	if in.Mode == config.ModeTunnel {
		out.Mode = ike.ModeTunnel
	}
	if in.Mode == config.ModeConstant {
		out.UpFront = 1 + c.resources(conn)
	}
	return out
}

// local is who this end is. The secret is a copy: the configuration is wiped after start-up.
func local(conn *config.Connection) (*auth.Local, error) {
	id, err := auth.ParseIdentity(conn.LocalID)
	if err != nil {
		return nil, fmt.Errorf("local_id: %w", err)
	}
	l := &auth.Local{ID: id, Method: methods[conn.LocalAuth]}
	if l.Method == auth.PSK {
		l.PSK = bytes.Clone(conn.PSK.Bytes())
	} else {
		l.Credential, err = auth.LoadCredential(conn.CertFile, conn.KeyFile)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range conn.Signatures {
		schemes, err := sign.ParseSchemes(name)
		if err != nil {
			return nil, fmt.Errorf("signatures: %w", err)
		}
		l.Schemes = append(l.Schemes, schemes...)
	}
	return l, l.Check()
}

// peer is who the other end may be (RFC 4301 4.4.3).
func peer(conn *config.Connection) (*auth.Peer, error) {
	id, err := auth.ParsePattern(conn.RemoteID)
	if err != nil {
		return nil, fmt.Errorf("remote_id: %w", err)
	}
	p := &auth.Peer{Name: conn.Name, ID: id, Method: methods[conn.RemoteAuth]}
	if p.Method == auth.PSK {
		p.PSK = bytes.Clone(conn.PSK.Bytes())
	} else {
		p.Trust, err = auth.LoadTrust(conn.CAFiles, conn.CRLFiles, crlPolicy[conn.CRL])
	}
	if err != nil {
		return nil, err
	}
	return p, p.Check()
}

// prefixes is a range of addresses as the fewest prefixes.
func prefixes(r config.AddrRange) (out []netip.Prefix) {
	for a := r.First; a.IsValid() && a.Compare(r.Last) <= 0; {
		bits := a.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(a, bits-1)
			if p.Masked().Addr() != a || last(p).Compare(r.Last) > 0 {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(a, bits)
		out = append(out, p)
		a = last(p).Next()
	}
	return out
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
