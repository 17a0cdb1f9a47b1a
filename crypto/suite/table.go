package suite

// IANA transform IDs that ESP uses here.
const (
	EncrNull                uint16 = 11 // RFC 2410
	EncrAESCBC              uint16 = 12 // RFC 3602
	EncrAESGCM16            uint16 = 20 // RFC 4106
	EncrNullAuthAESGMAC     uint16 = 21 // RFC 4543
	EncrChaCha20Poly1305    uint16 = 28 // RFC 7634
	EncrAESGCM16IIV         uint16 = 30 // RFC 8750, ESP only
	EncrChaCha20Poly1305IIV uint16 = 31 // RFC 8750, ESP only

	IntegNone          uint16 = 0  // RFC 7296
	IntegHMACSHA256128 uint16 = 12 // RFC 4868
	IntegHMACSHA384192 uint16 = 13 // RFC 4868
	IntegHMACSHA512256 uint16 = 14 // RFC 4868
)

// encrs is the encryption table. Of the GCM and GMAC rows only the 16-octet ICV is here: RFC 4106 6 makes it the MUST and
// the shorter ones a MAY.
//
// Columns: ID, name, key bits; octets of key, salt, IV, block, ICV; kind, implicit IV.
var encrs = [...]Encr{
	{EncrAESGCM16, "aes128gcm16", 128, 16, 4, 8, 1, 16, KindAEAD, false},
	{EncrAESGCM16, "aes192gcm16", 192, 24, 4, 8, 1, 16, KindAEAD, false},
	{EncrAESGCM16, "aes256gcm16", 256, 32, 4, 8, 1, 16, KindAEAD, false},
	{EncrChaCha20Poly1305, "chacha20poly1305", 0, 32, 4, 8, 1, 16, KindAEAD, false},
	{EncrAESGCM16IIV, "aes128gcm16iiv", 128, 16, 4, 0, 1, 16, KindAEAD, true},
	{EncrAESGCM16IIV, "aes192gcm16iiv", 192, 24, 4, 0, 1, 16, KindAEAD, true},
	{EncrAESGCM16IIV, "aes256gcm16iiv", 256, 32, 4, 0, 1, 16, KindAEAD, true},
	{EncrChaCha20Poly1305IIV, "chacha20poly1305iiv", 0, 32, 4, 0, 1, 16, KindAEAD, true},
	{EncrNullAuthAESGMAC, "aes128gmac", 128, 16, 4, 8, 1, 16, KindGMAC, false},
	{EncrNullAuthAESGMAC, "aes192gmac", 192, 24, 4, 8, 1, 16, KindGMAC, false},
	{EncrNullAuthAESGMAC, "aes256gmac", 256, 32, 4, 8, 1, 16, KindGMAC, false},
	{EncrAESCBC, "aes128", 128, 16, 0, 16, 16, 0, KindCBC, false},
	{EncrAESCBC, "aes192", 192, 24, 0, 16, 16, 0, KindCBC, false},
	{EncrAESCBC, "aes256", 256, 32, 0, 16, 16, 0, KindCBC, false},
	{EncrNull, "null", 0, 0, 0, 0, 1, 0, KindNull, false},
}

// integs is the integrity table. Columns: ID, name; octets of key, ICV.
var integs = [...]Integ{
	{IntegHMACSHA256128, "sha256", 32, 16},
	{IntegHMACSHA384192, "sha384", 48, 24},
	{IntegHMACSHA512256, "sha512", 64, 32},
}

// suites is every combination, indexed by Alg. The constants are declared in the order of the two tables, which is what
// makes the running number the Alg; a test pins each name to its constant.
var suites = func() (all [AlgCount]ESP) {
	a := Alg(1)
	for _, e := range encrs {
		if e.Kind.SelfAuth() {
			all[a] = ESP{Alg: a, Encr: e}
			a++
			continue
		}
		for _, i := range integs {
			all[a] = ESP{Alg: a, Encr: e, Integ: i}
			a++
		}
	}
	return all
}()

// Encrs is the encryption table. The caller owns the slice.
func Encrs() []Encr { return append([]Encr(nil), encrs[:]...) }

// Integs is the integrity table. The caller owns the slice.
func Integs() []Integ { return append([]Integ(nil), integs[:]...) }

// aliases are other spellings that operators know, each with the name in the tables.
var aliases = map[string]string{
	"none":         "",
	"aes":          "aes128",
	"aes128cbc":    "aes128",
	"aes192cbc":    "aes192",
	"aes256cbc":    "aes256",
	"aes128gcm":    "aes128gcm16",
	"aes192gcm":    "aes192gcm16",
	"aes256gcm":    "aes256gcm16",
	"aes128gcm128": "aes128gcm16",
	"aes192gcm128": "aes192gcm16",
	"aes256gcm128": "aes256gcm16",
	"sha256_128":   "sha256",
	"sha2_256":     "sha256",
	"sha2_256_128": "sha256",
	"sha384_192":   "sha384",
	"sha2_384":     "sha384",
	"sha2_384_192": "sha384",
	"sha512_256":   "sha512",
	"sha2_512":     "sha512",
	"sha2_512_256": "sha512",
}
