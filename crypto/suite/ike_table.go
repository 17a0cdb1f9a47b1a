package suite

// IANA transform IDs that IKE SAs use here, beside those of ESP.
const (
	PRFHMACSHA256 uint16 = 5 // RFC 4868
	PRFHMACSHA384 uint16 = 6 // RFC 4868
	PRFHMACSHA512 uint16 = 7 // RFC 4868

	KENone     uint16 = 0  // RFC 7296; Child SAs only
	KEMODP2048 uint16 = 14 // RFC 3526
	KEMODP3072 uint16 = 15 // RFC 3526
	KEMODP4096 uint16 = 16 // RFC 3526
	KEECP256   uint16 = 19 // RFC 5903
	KEECP384   uint16 = 20 // RFC 5903
	KEECP521   uint16 = 21 // RFC 5903
	KEX25519   uint16 = 31 // RFC 8031

	SNLow32  uint16 = 0 // 32-bit sequence numbers
	SNPart64 uint16 = 1 // 64-bit numbers of which the low half is sent: ESN
)

// prfs is the table of pseudorandom functions. Columns: name, ID, octets.
var prfs = [...]PRF{
	{"prfsha256", PRFHMACSHA256, 32},
	{"prfsha384", PRFHMACSHA384, 48},
	{"prfsha512", PRFHMACSHA512, 64},
}

// kes is the table of key exchange methods. An ECP value is x and y without the octet that says so, and its secret is x
// alone (RFC 5903 7); a MODP value and secret have the length of the prime (RFC 7296 2.14, 3.4). Columns: name, ID,
// octets of public value, of secret.
var kes = [...]KE{
	{"none", KENone, 0, 0},
	{"x25519", KEX25519, 32, 32},
	{"ecp256", KEECP256, 64, 32},
	{"ecp384", KEECP384, 96, 48},
	{"ecp521", KEECP521, 132, 66},
	{"modp2048", KEMODP2048, 256, 256},
	{"modp3072", KEMODP3072, 384, 384},
	{"modp4096", KEMODP4096, 512, 512},
}

// sn is one row of IANA "Transform Type 5 - Sequence Numbers".
type sn struct {
	name string
	id   uint16
}

// sns is the table of sequence numbers. 32-bit Unspecified Numbers (2) rule out replay protection and are for groups
// (RFC 9838), so they are not here.
var sns = [...]sn{
	{"esn", SNPart64},
	{"noesn", SNLow32},
}

// ikeEncrs is the part of the encryption table that protects the SK payload of an IKE SA.
var ikeEncrs = func() (rows []Encr) {
	for _, e := range encrs {
		if e.ID == EncrAESGCM16 || e.ID == EncrAESCBC {
			rows = append(rows, e)
		}
	}
	return rows
}()

// PRFs is the table of pseudorandom functions. The caller owns the slice.
func PRFs() []PRF { return append([]PRF(nil), prfs[:]...) }

// KEs is the table of key exchange methods, the row "none" left out. The caller owns the slice.
func KEs() []KE { return append([]KE(nil), kes[1:]...) }

// IKEEncrs is the part of the encryption table that an IKE SA may use. The caller owns the slice.
func IKEEncrs() []Encr { return append([]Encr(nil), ikeEncrs...) }

// proposalAliases are other spellings of the words that occur in proposals only, each with the name in the tables.
var proposalAliases = map[string]string{
	"curve25519":  "x25519",
	"modpnone":    "none",
	"prfsha2_256": "prfsha256",
	"prfsha2_384": "prfsha384",
	"prfsha2_512": "prfsha512",
}
