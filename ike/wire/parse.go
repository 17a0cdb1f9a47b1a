package wire

// parsePayload reads the body of one payload.
func parsePayload(it item, lim *Limits) (Payload, *Error) {
	switch it.kind {
	case PayloadSA:
		return as(parseSA(it.body, lim))
	case PayloadKE:
		return as(parseKE(it.body))
	case PayloadIDi, PayloadIDr:
		return as(parseID(it.body, it.kind == PayloadIDr))
	case PayloadCert:
		return as(parseCert(it.body, lim))
	case PayloadCertReq:
		return as(parseCertReq(it.body))
	case PayloadAuth:
		return as(parseAuth(it.body))
	case PayloadNonce:
		return as(parseNonce(it.body))
	case PayloadNotify:
		return as(parseNotify(it.body))
	case PayloadDelete:
		return as(parseDelete(it.body, lim))
	case PayloadVendor:
		return Vendor{Data: octets(it.body)}, nil
	case PayloadTSi, PayloadTSr:
		return as(parseTS(it.body, it.kind == PayloadTSr, lim))
	case PayloadSK:
		return SK{First: it.next, Body: octets(it.body), Reserved: it.reserved, Offset: it.at}, nil
	case PayloadSKF:
		return as(parseSKF(it, lim))
	case PayloadCP:
		return as(parseCP(it.body, lim))
	case PayloadEAP:
		return as(parseEAP(it.body))
	case PayloadPS:
		return as(parsePS(it.body))
	}
	return as(parseUnknown(it))
}

// as makes the result of a parser a Payload, and none of an error.
func as[P Payload](p P, err *Error) (Payload, *Error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}
