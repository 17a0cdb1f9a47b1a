package wire_test

import (
	"testing"

	"stillwater/ike/wire"
)

// TestHAZ001_PresenceIsAsked: what a message lacks, has twice or has under another type is a count, not a nil.
func TestHAZ001_PresenceIsAsked(t *testing.T) {
	ps := []wire.Payload{
		wire.ID{IDType: wire.IDKeyID}, wire.Notify{Notify: wire.Cookie}, wire.Notify{Notify: wire.RekeySA},
		wire.TS{Responder: true, Skipped: 1}, wire.TS{Responder: true, Skipped: 2}, wire.Unknown{T: wire.PayloadKD},
	}
	for kind, want := range map[wire.PayloadType]int{
		wire.PayloadIDi: 1, wire.PayloadIDr: 0, wire.PayloadNotify: 2, wire.PayloadTSi: 0, wire.PayloadTSr: 2,
		wire.PayloadKD: 1, wire.PayloadSA: 0,
	} {
		if got := wire.Count(ps, kind); got != want {
			t.Errorf("%v: %d, want %d", kind, got, want)
		}
	}
}

// TestHAZ001_OmitDuplicateRetype: the codec passes every such message on, or names what is wrong; the engine's tables judge.
func TestHAZ001_OmitDuplicateRetype(t *testing.T) {
	for i := range samples {
		for _, retyped := range []wire.PayloadType{1, 32, wire.PayloadSA, wire.PayloadKE, wire.PayloadTSr, wire.PayloadVendor, 200} {
			var list []chained
			for j, s := range samples {
				kind := s.payload.Type()
				switch {
				case i == j && retyped == 1: // omitted
					continue
				case i == j && retyped == 32: // there twice
					list = append(list, chained{kind, s.body})
				case i == j:
					kind = retyped
				}
				list = append(list, chained{kind, s.body})
			}
			first, b := chainOf(list...)
			ps, err := wire.ParsePayloads(first, b, wire.InnerLimits, true)
			if err != nil {
				if e := refused(t, err, wire.InvalidSyntax); e.Payload != retyped {
					t.Errorf("%s as %v: %v", samples[i].name, retyped, err)
				}
				continue
			}
			if len(ps) != len(list) {
				t.Errorf("%s as %v: %d payloads", samples[i].name, retyped, len(ps))
			}
		}
	}
}
