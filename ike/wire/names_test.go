package wire_test

import (
	"fmt"
	"testing"

	"stillwater/ike/wire"
)

// TestNames pins numbers to names: those of the registries, through the constants that the engine uses.
func TestNames(t *testing.T) {
	for _, v := range []struct {
		number int
		is     fmt.Stringer
		name   string
	}{
		{34, wire.ExchangeSAInit, "IKE_SA_INIT"}, {35, wire.ExchangeAuth, "IKE_AUTH"},
		{36, wire.ExchangeCreateChildSA, "CREATE_CHILD_SA"}, {37, wire.ExchangeInformational, "INFORMATIONAL"},
		{38, wire.ExchangeSessionResume, "IKE_SESSION_RESUME"}, {43, wire.ExchangeIntermediate, "IKE_INTERMEDIATE"},
		{44, wire.ExchangeFollowupKE, "IKE_FOLLOWUP_KE"}, {39, wire.ExchangeType(39), "EXCHANGE_39"},
		{240, wire.ExchangeType(240), "EXCHANGE_240"},

		{33, wire.PayloadSA, "SA"}, {34, wire.PayloadKE, "KE"}, {35, wire.PayloadIDi, "IDi"}, {36, wire.PayloadIDr, "IDr"},
		{37, wire.PayloadCert, "CERT"}, {38, wire.PayloadCertReq, "CERTREQ"}, {39, wire.PayloadAuth, "AUTH"},
		{40, wire.PayloadNonce, "Nonce"}, {41, wire.PayloadNotify, "N"}, {42, wire.PayloadDelete, "D"},
		{43, wire.PayloadVendor, "V"}, {44, wire.PayloadTSi, "TSi"}, {45, wire.PayloadTSr, "TSr"}, {46, wire.PayloadSK, "SK"},
		{47, wire.PayloadCP, "CP"}, {48, wire.PayloadEAP, "EAP"}, {49, wire.PayloadGSPM, "GSPM"}, {50, wire.PayloadIDg, "IDg"},
		{51, wire.PayloadGSA, "GSA"}, {52, wire.PayloadKD, "KD"}, {53, wire.PayloadSKF, "SKF"}, {54, wire.PayloadPS, "PS"},
		{1, wire.PayloadType(1), "type 1"}, {255, wire.PayloadType(255), "type 255"},

		{1, wire.ProtoIKE, "IKE"}, {2, wire.ProtoAH, "AH"}, {3, wire.ProtoESP, "ESP"}, {6, wire.Protocol(6), "protocol 6"},
		{1, wire.TransformENCR, "ENCR"}, {2, wire.TransformPRF, "PRF"}, {3, wire.TransformINTEG, "INTEG"},
		{4, wire.TransformKE, "KE"}, {5, wire.TransformSN, "SN"}, {6, wire.TransformADDKE1, "ADDKE1"},
		{12, wire.TransformADDKE7, "ADDKE7"}, {13, wire.TransformType(13), "transform type 13"},
		{1, wire.IDIPv4, "ID_IPV4_ADDR"}, {2, wire.IDFQDN, "ID_FQDN"}, {3, wire.IDRFC822, "ID_RFC822_ADDR"},
		{5, wire.IDIPv6, "ID_IPV6_ADDR"}, {9, wire.IDDN, "ID_DER_ASN1_DN"}, {10, wire.IDGN, "ID_DER_ASN1_GN"},
		{11, wire.IDKeyID, "ID_KEY_ID"}, {13, wire.IDNull, "ID_NULL"}, {4, wire.IDType(4), "ID_TYPE_4"},
		{1, wire.AuthRSA, "RSA signature"}, {2, wire.AuthPSK, "shared key"}, {3, wire.AuthDSS, "DSS signature"},
		{9, wire.AuthECDSA256, "ECDSA P-256"}, {10, wire.AuthECDSA384, "ECDSA P-384"},
		{11, wire.AuthECDSA521, "ECDSA P-521"}, {12, wire.AuthGSPM, "secure password"}, {13, wire.AuthNull, "NULL"},
		{14, wire.AuthSignature, "digital signature"}, {4, wire.AuthMethod(4), "auth method 4"},
	} {
		if got := fmt.Sprintf("%d %s", v.is, v.is); got != fmt.Sprintf("%d %s", v.number, v.name) {
			t.Errorf("got %s, want %d %s", got, v.number, v.name)
		}
	}
}

// TestIKE013_NotifyTypes pins the error and status types, and on which side of the line unknown ones are.
func TestIKE013_NotifyTypes(t *testing.T) {
	for number, name := range notifyNames {
		n := wire.NotifyType(number)
		if n.String() != name || n.IsError() != (number < 16384) {
			t.Errorf("%d is %s, error %v; want %s", number, n, n.IsError(), name)
		}
	}
	known := 0
	for number := range 65536 {
		if n := wire.NotifyType(number); n.String() != fmt.Sprintf("NOTIFY_%d", number) {
			known++
		}
	}
	if known != len(notifyNames) {
		t.Errorf("%d types have names, want %d", known, len(notifyNames))
	}
	for number, isError := range map[wire.NotifyType]bool{0: true, 8191: true, 16383: true, 16384: false, 20000: false, 65535: false} {
		if number.IsError() != isError {
			t.Errorf("%d: error %v", number, number.IsError())
		}
	}
}

// TestNotifyConstants pins the constants to the names.
func TestNotifyConstants(t *testing.T) {
	for number, n := range map[int]wire.NotifyType{
		1: wire.UnsupportedCriticalPayload, 4: wire.InvalidIKESPI, 5: wire.InvalidMajorVersion, 7: wire.InvalidSyntax,
		9: wire.InvalidMessageID, 11: wire.InvalidSPI, 14: wire.NoProposalChosen, 17: wire.InvalidKEPayload,
		24: wire.AuthenticationFailed, 34: wire.SinglePairRequired, 35: wire.NoAdditionalSAs,
		36: wire.InternalAddressFailure, 37: wire.FailedCPRequired, 38: wire.TSUnacceptable, 39: wire.InvalidSelectors,
		40: wire.UnacceptableAddresses, 41: wire.UnexpectedNATDetected, 42: wire.UseAssignedHoA, 43: wire.TemporaryFailure,
		44: wire.ChildSANotFound, 45: wire.InvalidGroupID, 46: wire.AuthorizationFailed, 47: wire.StateNotFound,
		48: wire.TSMaxQueue, 49: wire.RegistrationFailed,
		16384: wire.InitialContact, 16385: wire.SetWindowSize, 16386: wire.AdditionalTSPossible, 16387: wire.IPCompSupported,
		16388: wire.NATDetectionSourceIP, 16389: wire.NATDetectionDestinationIP, 16390: wire.Cookie,
		16391: wire.UseTransportMode, 16392: wire.HTTPCertLookupSupported, 16393: wire.RekeySA,
		16394: wire.ESPTFCPaddingNotSupported, 16395: wire.NonFirstFragmentsAlso, 16396: wire.MOBIKESupported,
		16397: wire.AdditionalIP4Address, 16398: wire.AdditionalIP6Address, 16399: wire.NoAdditionalAddresses,
		16400: wire.UpdateSAAddresses, 16401: wire.Cookie2, 16402: wire.NoNATsAllowed, 16403: wire.AuthLifetime,
		16404: wire.MultipleAuthSupported, 16405: wire.AnotherAuthFollows, 16406: wire.RedirectSupported,
		16407: wire.Redirect, 16408: wire.RedirectedFrom, 16409: wire.TicketLTOpaque, 16410: wire.TicketRequest,
		16411: wire.TicketACK, 16412: wire.TicketNACK, 16413: wire.TicketOpaque, 16414: wire.LinkID, 16415: wire.UseWESPMode,
		16416: wire.ROHCSupported, 16417: wire.EAPOnlyAuthentication, 16418: wire.ChildlessIKEv2Supported,
		16419: wire.QuickCrashDetection, 16420: wire.MessageIDSyncSupported, 16421: wire.ReplayCounterSyncSupported,
		16422: wire.MessageIDSync, 16423: wire.ReplayCounterSync, 16424: wire.SecurePasswordMethods, 16425: wire.PSKPersist,
		16426: wire.PSKConfirm, 16427: wire.ERXSupported, 16428: wire.IFOMCapability, 16429: wire.GroupSender,
		16430: wire.IKEv2FragmentationSupported, 16431: wire.SignatureHashAlgorithms, 16432: wire.CloneIKESASupported,
		16433: wire.CloneIKESA, 16434: wire.Puzzle, 16435: wire.UsePPK, 16436: wire.PPKIdentity, 16437: wire.NoPPKAuth,
		16438: wire.IntermediateExchangeSupported, 16439: wire.IP4Allowed, 16440: wire.IP6Allowed,
		16441: wire.AdditionalKeyExchange, 16442: wire.UseAggfrag, 16443: wire.SupportedAuthMethods,
		16444: wire.SAResourceInfo, 16445: wire.UsePPKInt, 16446: wire.PPKIdentityKey, 16447: wire.SAInitFullTranscriptAuth,
	} {
		if int(n) != number {
			t.Errorf("%v is %d, want %d", n, n, number)
		}
	}
}

// notifyNames are the registry's error and status types (RFC 7296 3.10.1 and the documents after it).
var notifyNames = map[int]string{
	1: "UNSUPPORTED_CRITICAL_PAYLOAD", 4: "INVALID_IKE_SPI", 5: "INVALID_MAJOR_VERSION", 7: "INVALID_SYNTAX",
	9: "INVALID_MESSAGE_ID", 11: "INVALID_SPI", 14: "NO_PROPOSAL_CHOSEN", 17: "INVALID_KE_PAYLOAD",
	24: "AUTHENTICATION_FAILED", 34: "SINGLE_PAIR_REQUIRED", 35: "NO_ADDITIONAL_SAS", 36: "INTERNAL_ADDRESS_FAILURE",
	37: "FAILED_CP_REQUIRED", 38: "TS_UNACCEPTABLE", 39: "INVALID_SELECTORS", 40: "UNACCEPTABLE_ADDRESSES",
	41: "UNEXPECTED_NAT_DETECTED", 42: "USE_ASSIGNED_HoA", 43: "TEMPORARY_FAILURE", 44: "CHILD_SA_NOT_FOUND",
	45: "INVALID_GROUP_ID", 46: "AUTHORIZATION_FAILED", 47: "STATE_NOT_FOUND", 48: "TS_MAX_QUEUE",
	49: "REGISTRATION_FAILED", 16384: "INITIAL_CONTACT", 16385: "SET_WINDOW_SIZE", 16386: "ADDITIONAL_TS_POSSIBLE",
	16387: "IPCOMP_SUPPORTED", 16388: "NAT_DETECTION_SOURCE_IP", 16389: "NAT_DETECTION_DESTINATION_IP", 16390: "COOKIE",
	16391: "USE_TRANSPORT_MODE", 16392: "HTTP_CERT_LOOKUP_SUPPORTED", 16393: "REKEY_SA",
	16394: "ESP_TFC_PADDING_NOT_SUPPORTED", 16395: "NON_FIRST_FRAGMENTS_ALSO", 16396: "MOBIKE_SUPPORTED",
	16397: "ADDITIONAL_IP4_ADDRESS", 16398: "ADDITIONAL_IP6_ADDRESS", 16399: "NO_ADDITIONAL_ADDRESSES",
	16400: "UPDATE_SA_ADDRESSES", 16401: "COOKIE2", 16402: "NO_NATS_ALLOWED", 16403: "AUTH_LIFETIME",
	16404: "MULTIPLE_AUTH_SUPPORTED", 16405: "ANOTHER_AUTH_FOLLOWS", 16406: "REDIRECT_SUPPORTED", 16407: "REDIRECT",
	16408: "REDIRECTED_FROM", 16409: "TICKET_LT_OPAQUE", 16410: "TICKET_REQUEST", 16411: "TICKET_ACK",
	16412: "TICKET_NACK", 16413: "TICKET_OPAQUE", 16414: "LINK_ID", 16415: "USE_WESP_MODE", 16416: "ROHC_SUPPORTED",
	16417: "EAP_ONLY_AUTHENTICATION", 16418: "CHILDLESS_IKEV2_SUPPORTED", 16419: "QUICK_CRASH_DETECTION",
	16420: "IKEV2_MESSAGE_ID_SYNC_SUPPORTED", 16421: "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED",
	16422: "IKEV2_MESSAGE_ID_SYNC", 16423: "IPSEC_REPLAY_COUNTER_SYNC", 16424: "SECURE_PASSWORD_METHODS",
	16425: "PSK_PERSIST", 16426: "PSK_CONFIRM", 16427: "ERX_SUPPORTED", 16428: "IFOM_CAPABILITY", 16429: "GROUP_SENDER",
	16430: "IKEV2_FRAGMENTATION_SUPPORTED", 16431: "SIGNATURE_HASH_ALGORITHMS", 16432: "CLONE_IKE_SA_SUPPORTED",
	16433: "CLONE_IKE_SA", 16434: "PUZZLE", 16435: "USE_PPK", 16436: "PPK_IDENTITY", 16437: "NO_PPK_AUTH",
	16438: "INTERMEDIATE_EXCHANGE_SUPPORTED", 16439: "IP4_ALLOWED", 16440: "IP6_ALLOWED", 16441: "ADDITIONAL_KEY_EXCHANGE",
	16442: "USE_AGGFRAG", 16443: "SUPPORTED_AUTH_METHODS", 16444: "SA_RESOURCE_INFO", 16445: "USE_PPK_INT",
	16446: "PPK_IDENTITY_KEY", 16447: "IKE_SA_INIT_FULL_TRANSCRIPT_AUTH",
}
