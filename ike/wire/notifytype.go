package wire

// NotifyType is the type of a Notify payload (RFC 7296 3.10.1). Below 16384 it is an error.
type NotifyType uint16

// The error types.
const (
	UnsupportedCriticalPayload NotifyType = 1
	InvalidIKESPI              NotifyType = 4
	InvalidMajorVersion        NotifyType = 5
	InvalidSyntax              NotifyType = 7
	InvalidMessageID           NotifyType = 9
	InvalidSPI                 NotifyType = 11
	NoProposalChosen           NotifyType = 14
	InvalidKEPayload           NotifyType = 17
	AuthenticationFailed       NotifyType = 24
	SinglePairRequired         NotifyType = 34
	NoAdditionalSAs            NotifyType = 35
	InternalAddressFailure     NotifyType = 36
	FailedCPRequired           NotifyType = 37
	TSUnacceptable             NotifyType = 38
	InvalidSelectors           NotifyType = 39
	UnacceptableAddresses      NotifyType = 40 // RFC 4555
	UnexpectedNATDetected      NotifyType = 41 // RFC 4555
	UseAssignedHoA             NotifyType = 42 // RFC 5026
	TemporaryFailure           NotifyType = 43
	ChildSANotFound            NotifyType = 44
	InvalidGroupID             NotifyType = 45 // RFC 9838
	AuthorizationFailed        NotifyType = 46 // RFC 9838
	StateNotFound              NotifyType = 47 // RFC 9370
	TSMaxQueue                 NotifyType = 48 // RFC 9611
	RegistrationFailed         NotifyType = 49 // RFC 9838
)

// firstStatus is the first type that is no error.
const firstStatus NotifyType = 16384

// The status types.
const (
	InitialContact                NotifyType = firstStatus + 0
	SetWindowSize                 NotifyType = firstStatus + 1
	AdditionalTSPossible          NotifyType = firstStatus + 2
	IPCompSupported               NotifyType = firstStatus + 3
	NATDetectionSourceIP          NotifyType = firstStatus + 4
	NATDetectionDestinationIP     NotifyType = firstStatus + 5
	Cookie                        NotifyType = firstStatus + 6
	UseTransportMode              NotifyType = firstStatus + 7
	HTTPCertLookupSupported       NotifyType = firstStatus + 8
	RekeySA                       NotifyType = firstStatus + 9
	ESPTFCPaddingNotSupported     NotifyType = firstStatus + 10
	NonFirstFragmentsAlso         NotifyType = firstStatus + 11
	MOBIKESupported               NotifyType = firstStatus + 12 // RFC 4555
	AdditionalIP4Address          NotifyType = firstStatus + 13 // RFC 4555
	AdditionalIP6Address          NotifyType = firstStatus + 14 // RFC 4555
	NoAdditionalAddresses         NotifyType = firstStatus + 15 // RFC 4555
	UpdateSAAddresses             NotifyType = firstStatus + 16 // RFC 4555
	Cookie2                       NotifyType = firstStatus + 17 // RFC 4555
	NoNATsAllowed                 NotifyType = firstStatus + 18 // RFC 4555
	AuthLifetime                  NotifyType = firstStatus + 19 // RFC 4478
	MultipleAuthSupported         NotifyType = firstStatus + 20 // RFC 4739
	AnotherAuthFollows            NotifyType = firstStatus + 21 // RFC 4739
	RedirectSupported             NotifyType = firstStatus + 22 // RFC 5685
	Redirect                      NotifyType = firstStatus + 23 // RFC 5685
	RedirectedFrom                NotifyType = firstStatus + 24 // RFC 5685
	TicketLTOpaque                NotifyType = firstStatus + 25 // RFC 5723
	TicketRequest                 NotifyType = firstStatus + 26 // RFC 5723
	TicketACK                     NotifyType = firstStatus + 27 // RFC 5723
	TicketNACK                    NotifyType = firstStatus + 28 // RFC 5723
	TicketOpaque                  NotifyType = firstStatus + 29 // RFC 5723
	LinkID                        NotifyType = firstStatus + 30 // RFC 5739
	UseWESPMode                   NotifyType = firstStatus + 31 // RFC 5840
	ROHCSupported                 NotifyType = firstStatus + 32 // RFC 5857
	EAPOnlyAuthentication         NotifyType = firstStatus + 33 // RFC 5998
	ChildlessIKEv2Supported       NotifyType = firstStatus + 34 // RFC 6023
	QuickCrashDetection           NotifyType = firstStatus + 35 // RFC 6290
	MessageIDSyncSupported        NotifyType = firstStatus + 36 // RFC 6311
	ReplayCounterSyncSupported    NotifyType = firstStatus + 37 // RFC 6311
	MessageIDSync                 NotifyType = firstStatus + 38 // RFC 6311
	ReplayCounterSync             NotifyType = firstStatus + 39 // RFC 6311
	SecurePasswordMethods         NotifyType = firstStatus + 40 // RFC 6467
	PSKPersist                    NotifyType = firstStatus + 41 // RFC 6631
	PSKConfirm                    NotifyType = firstStatus + 42 // RFC 6631
	ERXSupported                  NotifyType = firstStatus + 43 // RFC 6867
	IFOMCapability                NotifyType = firstStatus + 44
	GroupSender                   NotifyType = firstStatus + 45 // RFC 9838
	IKEv2FragmentationSupported   NotifyType = firstStatus + 46 // RFC 7383
	SignatureHashAlgorithms       NotifyType = firstStatus + 47 // RFC 7427
	CloneIKESASupported           NotifyType = firstStatus + 48 // RFC 7791
	CloneIKESA                    NotifyType = firstStatus + 49 // RFC 7791
	Puzzle                        NotifyType = firstStatus + 50 // RFC 8019
	UsePPK                        NotifyType = firstStatus + 51 // RFC 8784
	PPKIdentity                   NotifyType = firstStatus + 52 // RFC 8784
	NoPPKAuth                     NotifyType = firstStatus + 53 // RFC 8784
	IntermediateExchangeSupported NotifyType = firstStatus + 54 // RFC 9242
	IP4Allowed                    NotifyType = firstStatus + 55 // RFC 8983
	IP6Allowed                    NotifyType = firstStatus + 56 // RFC 8983
	AdditionalKeyExchange         NotifyType = firstStatus + 57 // RFC 9370
	UseAggfrag                    NotifyType = firstStatus + 58 // RFC 9347
	SupportedAuthMethods          NotifyType = firstStatus + 59 // RFC 9593
	SAResourceInfo                NotifyType = firstStatus + 60 // RFC 9611
	UsePPKInt                     NotifyType = firstStatus + 61 // RFC 9867
	PPKIdentityKey                NotifyType = firstStatus + 62 // RFC 9867
	SAInitFullTranscriptAuth      NotifyType = firstStatus + 63
)

// IsError reports whether the type is one of the errors: unknown ones fail a request whose response carries them, all
// other unknown types are ignored (RFC 7296 3.10.1).
func (t NotifyType) IsError() bool { return t < firstStatus }

// String returns the registry's name, or "NOTIFY_n" for a type that is not known here.
func (t NotifyType) String() string {
	if !t.IsError() && int(t-firstStatus) < len(statusNames) {
		return statusNames[t-firstStatus]
	}
	return name(errorNames[:], int(t), "NOTIFY_")
}

var errorNames = [...]string{
	UnsupportedCriticalPayload: "UNSUPPORTED_CRITICAL_PAYLOAD", InvalidIKESPI: "INVALID_IKE_SPI",
	InvalidMajorVersion: "INVALID_MAJOR_VERSION", InvalidSyntax: "INVALID_SYNTAX", InvalidMessageID: "INVALID_MESSAGE_ID",
	InvalidSPI: "INVALID_SPI", NoProposalChosen: "NO_PROPOSAL_CHOSEN", InvalidKEPayload: "INVALID_KE_PAYLOAD",
	AuthenticationFailed: "AUTHENTICATION_FAILED", SinglePairRequired: "SINGLE_PAIR_REQUIRED",
	NoAdditionalSAs: "NO_ADDITIONAL_SAS", InternalAddressFailure: "INTERNAL_ADDRESS_FAILURE",
	FailedCPRequired: "FAILED_CP_REQUIRED", TSUnacceptable: "TS_UNACCEPTABLE", InvalidSelectors: "INVALID_SELECTORS",
	UnacceptableAddresses: "UNACCEPTABLE_ADDRESSES", UnexpectedNATDetected: "UNEXPECTED_NAT_DETECTED",
	UseAssignedHoA: "USE_ASSIGNED_HoA", TemporaryFailure: "TEMPORARY_FAILURE", ChildSANotFound: "CHILD_SA_NOT_FOUND",
	InvalidGroupID: "INVALID_GROUP_ID", AuthorizationFailed: "AUTHORIZATION_FAILED", StateNotFound: "STATE_NOT_FOUND",
	TSMaxQueue: "TS_MAX_QUEUE", RegistrationFailed: "REGISTRATION_FAILED",
}

// statusNames begins with type 16384 and has no holes.
var statusNames = [...]string{
	"INITIAL_CONTACT", "SET_WINDOW_SIZE", "ADDITIONAL_TS_POSSIBLE", "IPCOMP_SUPPORTED", "NAT_DETECTION_SOURCE_IP",
	"NAT_DETECTION_DESTINATION_IP", "COOKIE", "USE_TRANSPORT_MODE", "HTTP_CERT_LOOKUP_SUPPORTED", "REKEY_SA",
	"ESP_TFC_PADDING_NOT_SUPPORTED", "NON_FIRST_FRAGMENTS_ALSO", "MOBIKE_SUPPORTED", "ADDITIONAL_IP4_ADDRESS",
	"ADDITIONAL_IP6_ADDRESS", "NO_ADDITIONAL_ADDRESSES", "UPDATE_SA_ADDRESSES", "COOKIE2", "NO_NATS_ALLOWED",
	"AUTH_LIFETIME", "MULTIPLE_AUTH_SUPPORTED", "ANOTHER_AUTH_FOLLOWS", "REDIRECT_SUPPORTED", "REDIRECT",
	"REDIRECTED_FROM", "TICKET_LT_OPAQUE", "TICKET_REQUEST", "TICKET_ACK", "TICKET_NACK", "TICKET_OPAQUE", "LINK_ID",
	"USE_WESP_MODE", "ROHC_SUPPORTED", "EAP_ONLY_AUTHENTICATION", "CHILDLESS_IKEV2_SUPPORTED", "QUICK_CRASH_DETECTION",
	"IKEV2_MESSAGE_ID_SYNC_SUPPORTED", "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED", "IKEV2_MESSAGE_ID_SYNC",
	"IPSEC_REPLAY_COUNTER_SYNC", "SECURE_PASSWORD_METHODS", "PSK_PERSIST", "PSK_CONFIRM", "ERX_SUPPORTED",
	"IFOM_CAPABILITY", "GROUP_SENDER", "IKEV2_FRAGMENTATION_SUPPORTED", "SIGNATURE_HASH_ALGORITHMS",
	"CLONE_IKE_SA_SUPPORTED", "CLONE_IKE_SA", "PUZZLE", "USE_PPK", "PPK_IDENTITY", "NO_PPK_AUTH",
	"INTERMEDIATE_EXCHANGE_SUPPORTED", "IP4_ALLOWED", "IP6_ALLOWED", "ADDITIONAL_KEY_EXCHANGE", "USE_AGGFRAG",
	"SUPPORTED_AUTH_METHODS", "SA_RESOURCE_INFO", "USE_PPK_INT", "PPK_IDENTITY_KEY", "IKE_SA_INIT_FULL_TRANSCRIPT_AUTH",
}
