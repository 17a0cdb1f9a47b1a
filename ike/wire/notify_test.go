package wire_test

import (
	"bytes"
	"testing"

	"stillwater/ike/wire"
)

// notifyBody lays a Notify payload out, from RFC 7296 3.10.
func notifyBody(protocol byte, spi []byte, kind wire.NotifyType, data ...byte) []byte {
	b := []byte{protocol, byte(len(spi)), byte(kind >> 8), byte(kind)}
	return append(append(b, spi...), data...)
}

// childNotifies are the types that name a Child SA by its SPI.
var childNotifies = []wire.NotifyType{wire.RekeySA, wire.ChildSANotFound}

// TestIKE015_ChildNotifies: REKEY_SA and CHILD_SA_NOT_FOUND are of AH or ESP and have 4 octets of SPI (HAZ-09).
func TestIKE015_ChildNotifies(t *testing.T) {
	for _, kind := range childNotifies {
		for protocol := range 256 {
			for size := range 10 {
				body := notifyBody(byte(protocol), make([]byte, size), kind)
				if size == 4 && (protocol == 2 || protocol == 3) {
					n := mustParse[wire.Notify](t, wire.PayloadNotify, body)
					if n.Protocol != wire.Protocol(protocol) || len(n.SPI) != 4 {
						t.Errorf("%+v", n)
					}
					continue
				}
				refusedBody(t, wire.PayloadNotify, body)
			}
		}
	}
}

// TestIKE015_EmptySPI: without an SPI the protocol means nothing, in every other type.
func TestIKE015_EmptySPI(t *testing.T) {
	for _, kind := range []wire.NotifyType{
		wire.InitialContact, wire.NoProposalChosen, wire.ChildlessIKEv2Supported, wire.QuickCrashDetection, 8191, 20000, 65535,
	} {
		for protocol := range 256 {
			n := mustParse[wire.Notify](t, wire.PayloadNotify, notifyBody(byte(protocol), nil, kind, 1, 2))
			if n.Notify != kind || n.SPI != nil || !bytes.Equal(n.Data, []byte{1, 2}) {
				t.Errorf("%v: %+v", kind, n)
			}
		}
	}
}

// TestIKE015_SPISizes of the other types: 4 octets of AH and ESP, none of IKE.
func TestIKE015_SPISizes(t *testing.T) {
	for _, kind := range []wire.NotifyType{wire.InvalidSelectors, wire.InvalidSyntax, 8191, 20000} {
		for size := 1; size < 10; size++ {
			for _, protocol := range []byte{1, 2, 3} {
				body := notifyBody(protocol, make([]byte, size), kind)
				if size == 4 && protocol != 1 {
					mustParse[wire.Notify](t, wire.PayloadNotify, body)
					continue
				}
				refusedBody(t, wire.PayloadNotify, body)
			}
		}
	}
	refusedBody(t, wire.PayloadNotify, octs("03 05 4009 00000100"))
	refusedBody(t, wire.PayloadNotify, octs("00 ff 4000"))
}

// TestRSC001_FieldsAreIgnored: RFC 9611 5.1 and 5.2 want protocol and SPI size ignored in their two types.
func TestRSC001_FieldsAreIgnored(t *testing.T) {
	for _, kind := range []wire.NotifyType{wire.SAResourceInfo, wire.TSMaxQueue} {
		for _, protocol := range []byte{0, 1, 3, 255} {
			for _, size := range []int{0, 4, 8} {
				n := mustParse[wire.Notify](t, wire.PayloadNotify, notifyBody(protocol, make([]byte, size), kind, 0, 0, 0, 1))
				if len(n.SPI) != size || !bytes.Equal(n.Data, octs("00000001")) {
					t.Errorf("%+v", n)
				}
			}
		}
	}
}
