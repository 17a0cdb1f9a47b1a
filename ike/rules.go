package ike

import "stillwater/ike/wire"

// rule says how often a payload stands in a message. What is in no rule is ignored, as RFC 7296 2.5 wants it.
type rule struct {
	payload wire.PayloadType
	least   int
	most    int
}

// many is the most of what is bounded by the codec's limits alone.
const many = 64

// The payloads of each exchange (RFC 7296 1.2, 1.3, 1.4, appendix C; HAZ-01). A response with an error notification may lack
// all that a rule wants (RFC 7296 2.21), and so may the answer that asks for a cookie.
var (
	initRules = []rule{
		{wire.PayloadSA, 1, 1}, {wire.PayloadKE, 1, 1}, {wire.PayloadNonce, 1, 1}, {wire.PayloadCertReq, 0, many},
	}
	authRequestRules = []rule{
		{wire.PayloadIDi, 1, 1}, {wire.PayloadIDr, 0, 1}, {wire.PayloadAuth, 0, 1}, {wire.PayloadCert, 0, 8},
		{wire.PayloadCertReq, 0, 20}, {wire.PayloadCP, 0, 1}, {wire.PayloadSA, 0, 1}, {wire.PayloadTSi, 0, 1},
		{wire.PayloadTSr, 0, 1},
	}
	authResponseRules = []rule{
		{wire.PayloadIDr, 1, 1}, {wire.PayloadAuth, 1, 1}, {wire.PayloadCert, 0, 8}, {wire.PayloadCP, 0, 1},
		{wire.PayloadSA, 0, 1}, {wire.PayloadTSi, 0, 1}, {wire.PayloadTSr, 0, 1},
	}
	createChildRules = []rule{
		{wire.PayloadSA, 1, 1}, {wire.PayloadNonce, 1, 1}, {wire.PayloadKE, 0, 1}, {wire.PayloadCP, 0, 1},
		{wire.PayloadTSi, 0, 1}, {wire.PayloadTSr, 0, 1},
	}
	informationalRules = []rule{{wire.PayloadDelete, 0, 20}, {wire.PayloadCP, 0, 1}}
)

// rulesOf is the table of a message.
func rulesOf(x wire.ExchangeType, response bool) []rule {
	switch {
	case x == wire.ExchangeSAInit:
		return initRules
	case x == wire.ExchangeAuth && response:
		return authResponseRules
	case x == wire.ExchangeAuth:
		return authRequestRules
	case x == wire.ExchangeCreateChildSA:
		return createChildRules
	}
	return informationalRules
}

// checkRules holds a message against its table. The error is a *wire.Error with INVALID_SYNTAX.
func checkRules(m *message) error {
	response := m.header.Response()
	waived := response && (m.errorNotify() != nil || m.notify(wire.Cookie) != nil)
	for _, r := range rulesOf(m.exchange, response) {
		n := wire.Count(m.inner, r.payload)
		if n > r.most || n < r.least && !waived {
			return broken(r.payload, "expected another number of them", n)
		}
	}
	if response && (waived || m.exchange == wire.ExchangeSAInit) {
		return nil
	}
	return checkChild(m)
}

// checkChild holds the payloads of a Child SA together: selectors come in pairs and with an SA; in IKE_AUTH an SA comes with
// selectors (RFC 7296 1.2, RFC 6023 2).
func checkChild(m *message) error {
	sa := wire.Count(m.inner, wire.PayloadSA)
	tsi, tsr := wire.Count(m.inner, wire.PayloadTSi), wire.Count(m.inner, wire.PayloadTSr)
	switch {
	case tsi != tsr:
		return broken(wire.PayloadTSi, "expected TSi and TSr or neither", tsi)
	case tsi > sa:
		return broken(wire.PayloadSA, "expected an SA payload with traffic selectors", sa)
	case m.exchange == wire.ExchangeAuth && sa > tsi:
		return broken(wire.PayloadTSi, "expected traffic selectors with an SA payload", tsi)
	}
	return nil
}

func broken(t wire.PayloadType, why string, have int) error {
	return &wire.Error{Notify: wire.InvalidSyntax, Payload: t, Reason: why, Value: have}
}
