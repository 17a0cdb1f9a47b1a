package wire_test

import (
	"net/netip"

	"stillwater/ike/wire"
)

// suiteIKE is a proposal as an initiator makes it: AES-GCM-16 with 256 bits, two PRFs, X25519, SPI empty.
var suiteIKE = wire.Proposal{Number: 1, Protocol: wire.ProtoIKE, Transforms: []wire.Transform{
	{Type: wire.TransformENCR, ID: 20, KeyBits: 256},
	{Type: wire.TransformPRF, ID: 5},
	{Type: wire.TransformPRF, ID: 7},
	{Type: wire.TransformKE, ID: 31},
}}

var suiteIKEOctets = octs(`00 00 002c 01 01 00 04
	03 00 000c 01 00 0014 800e 0100
	03 00 0008 02 00 0005
	03 00 0008 02 00 0007
	00 00 0008 04 00 001f`)

// rfcOffer is the example of RFC 7296 3.3, with the numbers of the registries: two ESP proposals of 7 and 4 transforms.
var rfcOffer = wire.SA{Proposals: []wire.Proposal{
	{Number: 1, Protocol: wire.ProtoESP, SPI: octs("052357bb"), Transforms: []wire.Transform{
		{Type: wire.TransformENCR, ID: 12, KeyBits: 128},
		{Type: wire.TransformENCR, ID: 12, KeyBits: 192},
		{Type: wire.TransformENCR, ID: 12, KeyBits: 256},
		{Type: wire.TransformINTEG, ID: 2},
		{Type: wire.TransformINTEG, ID: 5},
		{Type: wire.TransformSN, ID: 1},
		{Type: wire.TransformSN, ID: 0},
	}},
	{Number: 2, Protocol: wire.ProtoESP, SPI: octs("35a1d6f2"), Transforms: []wire.Transform{
		{Type: wire.TransformENCR, ID: 18, KeyBits: 128},
		{Type: wire.TransformENCR, ID: 18, KeyBits: 256},
		{Type: wire.TransformSN, ID: 1},
		{Type: wire.TransformSN, ID: 0},
	}},
}}

var rfcOfferOctets = octs(`02 00 0050 01 03 04 07 052357bb
	03 00 000c 01 00 000c 800e 0080
	03 00 000c 01 00 000c 800e 00c0
	03 00 000c 01 00 000c 800e 0100
	03 00 0008 03 00 0002
	03 00 0008 03 00 0005
	03 00 0008 05 00 0001
	00 00 0008 05 00 0000
	00 00 0034 02 03 04 04 35a1d6f2
	03 00 000c 01 00 0012 800e 0080
	03 00 000c 01 00 0012 800e 0100
	03 00 0008 05 00 0001
	00 00 0008 05 00 0000`)

// samples has every payload type at least once, and every form of those that have several.
var samples = []sample{
	{"SA of IKE", wire.SA{Proposals: []wire.Proposal{suiteIKE}}, suiteIKEOctets},
	{"SA of ESP", rfcOffer, rfcOfferOctets},
	{"SA of an IKE rekeying", wire.SA{Proposals: []wire.Proposal{{
		Number: 7, Protocol: wire.ProtoIKE, SPI: octs("0102030405060708"),
		Transforms: []wire.Transform{{Type: wire.TransformADDKE7, ID: 0xffff}},
	}}}, octs("00 00 0018 07 01 08 01 0102030405060708 00 00 0008 0c 00 ffff")},
	{"KE", wire.KE{Method: 31, Data: octs("aabbcc")}, octs("001f 0000 aabbcc")},
	{"IDi", wire.ID{IDType: wire.IDFQDN, Data: []byte("a.test")}, octs("02 000000 612e74657374")},
	{"IDr", wire.ID{Responder: true, IDType: wire.IDIPv4, Data: octs("c0000201")}, octs("01 000000 c0000201")},
	{"ID_NULL", wire.ID{IDType: wire.IDNull}, octs("0d 000000")},
	{"CERT", wire.Cert{Encoding: wire.CertX509Signature, Data: octs("3082")}, octs("04 3082")},
	{"CERTREQ", wire.CertReq{Encoding: wire.CertHashURL, CAs: [][]byte{
		octs("000102030405060708090a0b0c0d0e0f10111213"), octs("202122232425262728292a2b2c2d2e2f30313233"),
	}}, octs("0c 000102030405060708090a0b0c0d0e0f10111213 202122232425262728292a2b2c2d2e2f30313233")},
	{"CERTREQ of OCSP", wire.CertReq{Encoding: wire.CertOCSP, Data: octs("0102")}, octs("0e 0102")},
	{"AUTH", wire.Auth{Method: wire.AuthPSK, Data: octs("11223344")}, octs("02 000000 11223344")},
	{"Nonce", wire.Nonce{Data: octs("000102030405060708090a0b0c0d0e0f")}, octs("000102030405060708090a0b0c0d0e0f")},
	{"N", wire.Notify{Notify: wire.Cookie, Data: octs("c0")}, octs("00 00 4006 c0")},
	{"N with SPI", wire.Notify{Protocol: wire.ProtoESP, SPI: octs("00000100"), Notify: wire.RekeySA}, octs("03 04 4009 00000100")},
	{"D of the IKE SA", wire.Delete{Protocol: wire.ProtoIKE}, octs("01 00 0000")},
	{"D of Child SAs", wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{octs("00000100"), octs("c0ffee00")}},
		octs("03 04 0002 00000100 c0ffee00")},
	{"V", wire.Vendor{Data: []byte("stillwater")}, octs("7374696c6c7761746572")},
	{"TSi", wire.TS{Selectors: []wire.Selector{{
		Protocol: 17, StartPort: 100, EndPort: 200,
		First: netip.MustParseAddr("198.51.100.66"), Last: netip.MustParseAddr("198.51.100.67"),
	}}}, octs("01 000000 07 11 0010 0064 00c8 c6336442 c6336443")},
	{"TSr", wire.TS{Responder: true, Selectors: []wire.Selector{
		{EndPort: 65535, First: netip.MustParseAddr("0.0.0.0"), Last: netip.MustParseAddr("255.255.255.255")},
		{Protocol: 58, StartPort: 0x8000, EndPort: 0x80ff,
			First: netip.MustParseAddr("2001:db8::"), Last: netip.MustParseAddr("2001:db8::ffff")},
	}}, octs(`02 000000 07 00 0010 0000 ffff 00000000 ffffffff
		08 3a 0028 8000 80ff 20010db8000000000000000000000000 20010db800000000000000000000ffff`)},
	{"CP", wire.CP{CfgType: wire.CfgReply, Attributes: []wire.CPAttribute{
		{Type: wire.CPInternalIP4Address, Value: octs("0a000001")},
		{Type: wire.CPInternalIP6Address, Value: octs("20010db8000000000000000000000001 40")},
		{Type: wire.CPInternalIP4DNS},
	}}, octs("02 000000 0001 0004 0a000001 0008 0011 20010db8000000000000000000000001 40 0003 0000")},
	{"EAP", wire.EAP{Data: octs("01 07 0006 01 ff")}, octs("01 07 0006 01 ff")},
	{"PS", wire.PS{Keys: [4][]byte{octs("01"), octs("02"), octs("03"), octs("04")}}, octs("01020304")},
	{"GSPM", wire.Unknown{T: wire.PayloadGSPM, Data: octs("01")}, octs("01")},
	{"private", wire.Unknown{T: 200}, nil},
}
