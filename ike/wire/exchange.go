package wire

import "strconv"

// ExchangeType says what a message is for (RFC 7296 3.1). Immutable.
type ExchangeType uint8

// The exchanges of IKEv2 (RFC 7296), of RFC 5723, RFC 9242 and RFC 9370.
const (
	ExchangeSAInit        ExchangeType = 34
	ExchangeAuth          ExchangeType = 35
	ExchangeCreateChildSA ExchangeType = 36
	ExchangeInformational ExchangeType = 37
	ExchangeSessionResume ExchangeType = 38
	ExchangeIntermediate  ExchangeType = 43
	ExchangeFollowupKE    ExchangeType = 44
)

var exchangeNames = [...]string{
	ExchangeSAInit:        "IKE_SA_INIT",
	ExchangeAuth:          "IKE_AUTH",
	ExchangeCreateChildSA: "CREATE_CHILD_SA",
	ExchangeInformational: "INFORMATIONAL",
	ExchangeSessionResume: "IKE_SESSION_RESUME",
	ExchangeIntermediate:  "IKE_INTERMEDIATE",
	ExchangeFollowupKE:    "IKE_FOLLOWUP_KE",
}

// String returns the registry's name, or "EXCHANGE_n" for a type that is not known here.
func (t ExchangeType) String() string { return name(exchangeNames[:], int(t), "EXCHANGE_") }

// name returns names[i], or prefix and the number where the table has a hole or ends.
func name(names []string, i int, prefix string) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return prefix + strconv.Itoa(i)
}
