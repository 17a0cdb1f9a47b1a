package suite

// exchangeRefusals are key exchange methods that are left out on purpose, with the reason an operator is told.
var exchangeRefusals = map[string]string{
	"modp768":      "MUST NOT be used, RFC 8247 2.4",
	"modp1024":     "SHOULD NOT be used, RFC 8247 2.4",
	"modp1536":     "SHOULD NOT be used, RFC 8247 2.4",
	"modp1024s160": "MUST NOT be used, RFC 8247 2.4",
	"modp2048s224": "SHOULD NOT be used, RFC 8247 2.4",
	"modp2048s256": "SHOULD NOT be used, RFC 8247 2.4",
	"modp6144":     "slow beyond its strength",
	"modp8192":     "slow beyond its strength",
	"ecp192":       "weaker than 112 bits",
	"ecp224":       "no use beside ECP-256",
	"ecp224bp":     "Brainpool curve",
	"ecp256bp":     "Brainpool curve",
	"ecp384bp":     "Brainpool curve",
	"ecp512bp":     "Brainpool curve",
	"x448":         "Curve448",
	"curve448":     "Curve448",

	// Key encapsulation, which strongSwan puts into an additional key exchange (RFC 9370).
	"mlkem512":      "ML-KEM",
	"mlkem768":      "ML-KEM",
	"mlkem1024":     "ML-KEM",
	"ke1_mlkem512":  "additional key exchange, RFC 9370",
	"ke1_mlkem768":  "additional key exchange, RFC 9370",
	"ke1_mlkem1024": "additional key exchange, RFC 9370",
}

// ikeRefusals are other algorithms that an IKE SA does not use, with the reason an operator is told.
var ikeRefusals = map[string]string{
	"des":                 "MUST NOT be used, RFC 8247 2.1",
	"3des":                "no use beside AES, MAY in RFC 8247 2.1",
	"blowfish":            "deprecated, RFC 9395 4",
	"null":                "MUST NOT be used in an IKE SA, RFC 7296 5",
	"chacha20poly1305":    "for ESP only here",
	"aes128gcm16iiv":      "for ESP only, RFC 8750 7",
	"aes192gcm16iiv":      "for ESP only, RFC 8750 7",
	"aes256gcm16iiv":      "for ESP only, RFC 8750 7",
	"chacha20poly1305iiv": "for ESP only, RFC 8750 7",
	"aes128gmac":          "encrypts nothing, for ESP only",
	"aes192gmac":          "encrypts nothing, for ESP only",
	"aes256gmac":          "encrypts nothing, for ESP only",
	"md5":                 "MUST NOT be used, RFC 8247 2.3",
	"sha1":                "obsolete, MUST- in RFC 8247 2.3",
	"sha":                 "obsolete, MUST- in RFC 8247 2.3",
	"prfmd5":              "MUST NOT be used, RFC 8247 2.2",
	"prfsha1":             "obsolete, MUST- in RFC 8247 2.2",
	"prfaesxcbc":          "for constrained devices, RFC 8247 2.2",
	"prfaescmac":          "no use beside HMAC",
	"none":                "an IKE SA needs a key exchange, RFC 7296 2.18",
	"esn":                 "belongs in an ESP proposal",
	"noesn":               "belongs in an ESP proposal",
}

// refusedForIKE is why name, a known algorithm, is in no IKE proposal; empty for any other name.
func refusedForIKE(name string) string {
	for _, known := range [...]map[string]string{ikeRefusals, exchangeRefusals} {
		if reason, ok := known[name]; ok {
			return reason
		}
	}
	return refused(name)
}

// refusedForESP is why name, a known algorithm, is in no ESP proposal; empty for any other name.
func refusedForESP(name string) string {
	if reason, ok := exchangeRefusals[name]; ok {
		return reason
	}
	for _, p := range prfs {
		if p.Name == name {
			return "belongs in an IKE proposal"
		}
	}
	return refused(name)
}
