package sign

import "strings"

import "slices"

// Contents of the OBJECT IDENTIFIERs, tag and length included.
const (
	oidSHA2  = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" // the last octet names the hash
	oidPSS   = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
	oidMGF1  = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
	oidPKCS1 = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" // the last octet names the hash
	oidECDSA = "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"     // the last octet names the hash
	oidEd    = "\x06\x03\x2b\x65\x70"
	derNull  = "\x05\x00"
)

// tagSequence is SEQUENCE; tagParam+n is the explicit tag [n] of RSASSA-PSS-params (RFC 4055 3.1).
const (
	tagSequence = 0x30
	tagParam    = 0xa0
)

// der is one tag, length and value. All values here are shorter than 128 octets, so the length takes one octet.
func der(tag byte, parts ...string) string {
	var value strings.Builder
	for _, p := range parts {
		value.WriteString(p)
	}
	return string([]byte{tag, byte(len(value.String()))}) + value.String()
}

// pssEncodings are the AlgorithmIdentifiers of RSASSA-PSS with one hash for digest and mask, and a salt as long as the hash.
// DER leaves out the default trailerField, RFC 7427 A.4.3 writes it; the NULL of a hash may be there or not and both must be
// accepted (RFC 4055 2.1). First is the one to send: DER with NULL.
func pssEncodings(hash, octets byte) []string {
	var list []string
	for _, null := range []string{derNull, ""} {
		h := der(tagSequence, oidSHA2, string([]byte{hash}), null)
		params := []string{
			der(tagParam, h),
			der(tagParam+1, der(tagSequence, oidMGF1, h)),
			der(tagParam+2, "\x02\x01", string([]byte{octets})),
		}
		for _, trailer := range [][]string{nil, {der(tagParam+3, "\x02\x01\x01")}} {
			list = append(list, der(tagSequence, oidPSS, der(tagSequence, slices.Concat(params, trailer)...)))
		}
	}
	return list
}

// ecdsaEncodings: parameters are always absent (RFC 7427 A.3).
func ecdsaEncodings(hash byte) []string {
	return []string{der(tagSequence, oidECDSA, string([]byte{hash}))}
}

// pkcs1Encodings: parameters are NULL (RFC 7427 A.1).
func pkcs1Encodings(hash byte) []string {
	return []string{der(tagSequence, oidPKCS1, string([]byte{hash}), derNull)}
}
