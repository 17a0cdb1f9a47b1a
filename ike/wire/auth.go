package wire

// AuthMethod is how a peer proves who it is (RFC 7296 3.8).
type AuthMethod uint8

// The methods. AuthSignature names its algorithm in the data (RFC 7427).
const (
	AuthRSA       AuthMethod = 1
	AuthPSK       AuthMethod = 2
	AuthDSS       AuthMethod = 3
	AuthECDSA256  AuthMethod = 9  // RFC 4754
	AuthECDSA384  AuthMethod = 10 // RFC 4754
	AuthECDSA521  AuthMethod = 11 // RFC 4754
	AuthGSPM      AuthMethod = 12 // RFC 6467
	AuthNull      AuthMethod = 13 // RFC 7619
	AuthSignature AuthMethod = 14 // RFC 7427
)

var authNames = [...]string{
	AuthRSA: "RSA signature", AuthPSK: "shared key", AuthDSS: "DSS signature", AuthECDSA256: "ECDSA P-256",
	AuthECDSA384: "ECDSA P-384", AuthECDSA521: "ECDSA P-521", AuthGSPM: "secure password", AuthNull: "NULL",
	AuthSignature: "digital signature",
}

// String returns a short name, or "auth method n".
func (m AuthMethod) String() string { return name(authNames[:], int(m), "auth method ") }

// Auth is the Authentication payload (RFC 7296 3.8). Data aliases what was parsed; its length is the method's to judge.
type Auth struct {
	Method AuthMethod
	Data   []byte
}

// Type returns PayloadAuth.
func (Auth) Type() PayloadType { return PayloadAuth }

// parseAuth reads the body of an AUTH payload.
func parseAuth(b []byte) (Auth, *Error) {
	if len(b) < 4 {
		return Auth{}, syntax(0, "expected 4 octets or more", len(b))
	}
	return Auth{Method: AuthMethod(b[0]), Data: octets(b[4:])}, nil
}

// AppendBody appends method, RESERVED and data.
func (a Auth) AppendBody(b []byte) []byte {
	return append(append(b, byte(a.Method), 0, 0, 0), a.Data...)
}
