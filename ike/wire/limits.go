package wire

// Limits bound what one message may hold, each counted per message, payload or proposal as it says. They keep a peer from
// spending more of our memory than of its own. Immutable while in use.
type Limits struct {
	Payloads     int // per message
	Proposals    int // per SA payload
	Transforms   int // per proposal
	Selectors    int // per TS payload, those of unknown type included
	Certs        int // CERT payloads per message
	CertOctets   int // of certificate data per CERT payload
	Fragments    int // total a fragment may announce
	SPIs         int // per Delete payload
	CPAttributes int // per CP payload
}

// OuterLimits are for what anyone can send, InnerLimits for what was in an Encrypted payload. Set before the first
// message, never later.
var (
	OuterLimits = Limits{
		Payloads: 32, Proposals: 32, Transforms: 64, Selectors: 32, Certs: 8, CertOctets: 32 << 10, Fragments: 64,
		SPIs: 32, CPAttributes: 32,
	}
	InnerLimits = Limits{
		Payloads: 64, Proposals: 32, Transforms: 64, Selectors: 32, Certs: 8, CertOctets: 32 << 10, Fragments: 64,
		SPIs: 1024, CPAttributes: 256,
	}
)
