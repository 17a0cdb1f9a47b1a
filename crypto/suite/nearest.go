package suite

import "strings"

// refusals are known algorithms that are left out on purpose, by the first part of the name that matches, with the
// reason an operator is told.
var refusals = []struct{ prefix, suffix, reason string }{
	{"aes", "gcm8", "8-octet ICV, optional in RFC 4106 6"},
	{"aes", "gcm64", "8-octet ICV, optional in RFC 4106 6"},
	{"aes", "gcm12", "12-octet ICV, optional in RFC 4106 6"},
	{"aes", "gcm96", "12-octet ICV, optional in RFC 4106 6"},
	{"aes", "ccm", "AES-CCM"},
	{"aes", "ctr", "AES-CTR has no integrity of its own and no use beside AES-GCM"},
	{"3des", "", "SHOULD NOT be used, RFC 8221 5"},
	{"des", "", "MUST NOT be used, RFC 8221 5"},
	{"blowfish", "", "MUST NOT be used, RFC 8221 5"},
	{"md5", "", "MUST NOT be used, RFC 8221 6"},
	{"sha1", "", "obsolete, MUST- in RFC 8221 6"},
	{"sha256_96", "", "truncation of a pre-standard draft; RFC 4868 2.1 has 128 bits"},
}

// refused is why name, a known algorithm, is not in the tables; empty for any other name.
func refused(name string) string {
	for _, r := range refusals {
		rest, ok := strings.CutPrefix(name, r.prefix)
		if ok && strings.Contains(rest, r.suffix) {
			return r.reason
		}
	}
	return ""
}

// nearest is the name in valid, which is not empty, that begins with name, or else takes the fewest edits to reach; case is
// ignored and the first of equals wins.
func nearest(name string, valid []string) string {
	name = strings.ToLower(name)
	best, least := valid[0], Distance(name, valid[0])
	for _, v := range valid {
		if name != "" && strings.HasPrefix(v, name) {
			return v
		}
		if d := Distance(name, v); d < least {
			best, least = v, d
		}
	}
	return best
}

// Distance is the Levenshtein distance of two names: the octets to insert, delete or replace to get from a to b. Names come
// from a configuration file, so no length is too long to bear.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, substitute)
		}
	}
	return row[len(b)]
}
