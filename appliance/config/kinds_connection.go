package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stillwater/crypto/suite"
)

// anyWord is strongSwan's word for every address and every identity.
const anyWord = "%any"

// anyRemote is what stands for "%any" until the family of the own address is known.
var anyRemote = AddrRange{}

// remoteKind reads where a peer may be.
var remoteKind = kind[[]AddrRange]{
	want: `an address "192.0.2.2", a prefix, a range, an array of these, or "%any"`,
	parse: func(raw any) ([]AddrRange, error) {
		words, ok := strs(raw)
		switch {
		case !ok:
			return nil, errKind
		case len(words) == 1 && words[0] == anyWord:
			return []AddrRange{anyRemote}, nil
		}
		out := make([]AddrRange, len(words))
		for i, w := range words {
			if out[i], ok = parseRange(w); !ok || out[i].First == out[i].Last && !isHost(out[i].First) {
				return nil, errKind
			}
		}
		return out, nil
	},
}

// isHost reports whether an address can be that of one host.
func isHost(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() }

// maxIdentity bounds an identity, octets: distinguished names are the longest.
const maxIdentity = 1024

// identityKind reads identities. Package ike/auth knows what they mean; here they only have to be printable.
var identityKind = text(`an identity such as "gw.example.org", "user@example.org", "192.0.2.1" or "CN=gw, O=Example"`, func(s string) bool {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	return s != "" && s == strings.TrimSpace(s) && len(s) <= maxIdentity && utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
})

// isPattern reports whether an identity stands for several. A key ID is taken literally.
func isPattern(id string) bool {
	return id == anyWord || strings.Contains(id, "*") && !strings.HasPrefix(id, "keyid:")
}

// signatureWords are the signatures of RFC 7427 that package crypto/sign has, and the families that stand for several.
var signatureWords = []string{
	"rsa-pss", "rsa-pkcs1", "ecdsa",
	"rsa-pss-sha512", "rsa-pss-sha384", "rsa-pss-sha256", "rsa-pkcs1-sha512", "rsa-pkcs1-sha384", "rsa-pkcs1-sha256",
	"ecdsa-sha512", "ecdsa-sha384", "ecdsa-sha256", "ed25519",
}

// signatureKind reads the name of a signature.
var signatureKind = text("one of "+strings.Join(signatureWords, ", "), func(s string) bool { return slices.Contains(signatureWords, s) })

// proposal declares proposals of package crypto/suite, whose errors say what is wrong with one.
func proposal[P any](want string, parse func(string) (P, error)) kind[P] {
	return kind[P]{want: want, parse: func(raw any) (p P, _ error) {
		s, ok := raw.(string)
		if !ok {
			return p, &valueError{raw, want}
		}
		p, err := parse(s)
		if err != nil && !hexRun.MatchString(s) {
			return p, &valueError{raw, want + ": " + err.Error()}
		}
		return p, err
	}}
}

// The kinds of proposal.
var (
	ikeProposalKind = proposal(`an IKE proposal such as "aes256gcm16-prfsha384-ecp384"`, suite.ParseIKEProposal)
	espProposalKind = proposal(`an ESP proposal such as "aes256gcm16-x25519-esn"`, suite.ParseESPProposal)
)

// resourcesKind reads per_resource_sas.
var resourcesKind = kind[int]{
	want: `"auto", "off", or an integer from 1 to 1024`,
	parse: func(raw any) (int, error) {
		switch n, ok := raw.(int64); {
		case raw == "auto":
			return PerResourceAuto, nil
		case raw == "off":
			return 0, nil
		case ok && n >= 1 && n <= 1024:
			return int(n), nil
		}
		return 0, errKind
	},
}

// maxSocketPath is the longest path of a unix socket, octets: sun_path without its NUL.
const maxSocketPath = 107

// socketKind reads the path of a unix socket.
var socketKind = text(fmt.Sprintf(`an absolute path of at most %d octets, or "" for none`, maxSocketPath), func(s string) bool {
	return s == "" || strings.HasPrefix(s, "/") && len(s) <= maxSocketPath && !strings.ContainsRune(s, 0)
})

// period declares long times in [low, high], also in days, with "0" for none where none is true.
func period(low, high time.Duration, none bool) kind[time.Duration] {
	want := fmt.Sprintf(`a duration such as "30s", "4h" or "1d", from %v to %v`, low, high)
	if none {
		want += `, or "0" for none`
	}
	return fromText(want, func(s string) (time.Duration, bool) {
		d, ok := parsePeriod(s)
		return d, ok && (d >= low && d <= high || none && d == 0)
	})
}

// day is what "1d" means.
const day = 24 * time.Hour

// parsePeriod reads a whole number of days, or a Go duration.
func parsePeriod(s string) (time.Duration, bool) {
	if digits, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(digits, 10, 16)
		return time.Duration(n) * day, err == nil
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}
