package ike

import (
	"fmt"
	"slices"
	"strings"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// seal is what an SA protects its messages with.
type seal struct {
	suite       suite.IKE
	encr, integ []byte
}

// remember keeps the keys of SAs, since an SA may be gone when its last message is looked at.
func (x *end) remember() {
	for spi, s := range x.e.sas {
		if _, known := x.keys[spi]; known || s.keys == nil {
			continue
		}
		if encr, integ := s.outKeys(); len(encr) > 0 {
			x.keys[spi] = seal{s.suite, slices.Clone(encr), slices.Clone(integ)}
		}
	}
}

// describe is a datagram of this end as a line of the log.
func (x *end) describe(data []byte) string {
	h, err := wire.ParseHeader(data)
	if err != nil {
		return fmt.Sprintf("%d octets: %v", len(data), err)
	}
	kind := "request"
	if h.Response() {
		kind = "response"
	}
	return fmt.Sprintf("%v %s %d:%s", h.Exchange, kind, h.MessageID, x.payloads(h, data))
}

// payloads are the names of what is in a datagram, decrypted with the sender's keys.
func (x *end) payloads(h wire.Header, data []byte) string {
	m, err := wire.Parse(slices.Clone(data))
	if err != nil {
		return " " + err.Error()
	}
	text := ""
	for _, p := range m.Payloads {
		switch p := p.(type) {
		case wire.SK:
			inner, err := x.inside(h, data, p)
			if err != nil {
				return text + " SK{?}"
			}
			text += " SK{" + strings.TrimSpace(names(inner)) + "}"
		case wire.SKF:
			text += fmt.Sprintf(" SKF %d/%d", p.Number, p.Total)
		default:
			text += names([]wire.Payload{p})
		}
	}
	return text
}

// inside decrypts what this end has sealed.
func (x *end) inside(h wire.Header, data []byte, sk wire.SK) ([]wire.Payload, error) {
	own := h.SPIr
	if h.FromInitiator() {
		own = h.SPIi
	}
	k, known := x.keys[own]
	if !known {
		return nil, errICV
	}
	b := newBox(k.suite, k.encr, k.integ)
	plain, err := b.open(slices.Clone(data), sk.Offset+genericLen)
	if err != nil {
		return nil, err
	}
	return wire.ParsePayloads(sk.First, plain, wire.InnerLimits, true)
}

// names writes payloads as the RFCs do.
func names(ps []wire.Payload) string {
	var text strings.Builder
	for _, p := range ps {
		if n, ok := p.(wire.Notify); ok {
			text.WriteString(fmt.Sprintf(" N(%v)", n.Notify))
			continue
		}
		text.WriteString(" " + p.Type().String())
	}
	return text.String()
}
