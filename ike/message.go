package ike

import (
	"net/netip"

	"stillwater/ike/wire"
)

// message is one received IKE message whose payloads are known: in the clear in IKE_SA_INIT, decrypted, authenticated and
// reassembled in all others.
type message struct {
	header   wire.Header
	exchange wire.ExchangeType
	id       uint32
	inner    []wire.Payload
	raw      []byte   // IKE_SA_INIT only: as received, for AUTH (IKE-083)
	digest   digest   // of the datagram, of fragment 1 where it came in pieces
	datagram Datagram // its addresses; no octets
}

// from is where the message came from, to where it arrived.
func (m *message) from() netip.AddrPort { return m.datagram.Remote }
func (m *message) to() netip.AddrPort   { return m.datagram.Local }

// pick is the first payload of one Go type, nil when there is none.
func pickPayload[T any](m *message) *T {
	for _, p := range m.inner {
		if v, ok := p.(T); ok {
			return &v
		}
	}
	return nil
}

func (m *message) sa() *wire.SA       { return pickPayload[wire.SA](m) }
func (m *message) ke() *wire.KE       { return pickPayload[wire.KE](m) }
func (m *message) nonce() *wire.Nonce { return pickPayload[wire.Nonce](m) }
func (m *message) auth() *wire.Auth   { return pickPayload[wire.Auth](m) }

func (m *message) idi() *wire.ID { return m.identity(wire.PayloadIDi) }
func (m *message) idr() *wire.ID { return m.identity(wire.PayloadIDr) }

func (m *message) identity(t wire.PayloadType) *wire.ID {
	for _, p := range m.inner {
		if id, ok := p.(wire.ID); ok && p.Type() == t {
			return &id
		}
	}
	return nil
}

func (m *message) tsi() *wire.TS { return m.selectors(wire.PayloadTSi) }
func (m *message) tsr() *wire.TS { return m.selectors(wire.PayloadTSr) }

func (m *message) selectors(t wire.PayloadType) *wire.TS {
	for _, p := range m.inner {
		if ts, ok := p.(wire.TS); ok && p.Type() == t {
			return &ts
		}
	}
	return nil
}

func (m *message) certs() (cs []wire.Cert) {
	for _, p := range m.inner {
		if c, ok := p.(wire.Cert); ok {
			cs = append(cs, c)
		}
	}
	return cs
}

func (m *message) notifies() (ns []*wire.Notify) {
	for _, p := range m.inner {
		if n, ok := p.(wire.Notify); ok {
			ns = append(ns, &n)
		}
	}
	return ns
}

// notify is the first notification of that type, nil when there is none.
func (m *message) notify(t wire.NotifyType) *wire.Notify {
	for _, p := range m.inner {
		if n, ok := p.(wire.Notify); ok && n.Notify == t {
			return &n
		}
	}
	return nil
}

// errorNotify is the first notification that reports an error, nil when there is none. One of an unknown type is an error
// too (RFC 7296 3.10.1, IKE-013).
func (m *message) errorNotify() *wire.Notify {
	for _, p := range m.inner {
		if n, ok := p.(wire.Notify); ok && n.Notify.IsError() {
			return &n
		}
	}
	return nil
}

func (m *message) deletes() (ds []*wire.Delete) {
	for _, p := range m.inner {
		if d, ok := p.(wire.Delete); ok {
			ds = append(ds, &d)
		}
	}
	return ds
}
