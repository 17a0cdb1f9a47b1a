package sign

import (
	"slices"
	"testing"
)

// FuzzVerify: authentication data of any octets neither panics nor verifies, unless it is one of the genuine ones.
func FuzzVerify(f *testing.F) {
	var genuine [][]byte
	for name, key := range keys() {
		for _, s := range fitting[name] {
			genuine = append(genuine, must(Sign(key, s, message)))
		}
	}
	for _, data := range genuine {
		f.Add(data)
	}
	f.Add([]byte{})
	f.Add([]byte{255})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip("SKIP: longer than any payload with a signature")
		}
		forged := !slices.ContainsFunc(genuine, func(g []byte) bool { return slices.Equal(g, data) })
		for name, key := range keys() {
			if Verify(key.Public(), data, message, SupportedHashes()) == nil && forged && !reworded(data, genuine) {
				t.Errorf("%s: % x verifies", name, data)
			}
			for _, method := range []uint8{MethodRSA, MethodECDSA256, MethodECDSA384, MethodECDSA521} {
				if VerifyLegacy(key.Public(), method, data, message) == nil {
					t.Errorf("%s, method %d: % x verifies", name, method, data)
				}
			}
		}
	})
}

// reworded reports whether data is a genuine signature under another encoding of its algorithm.
func reworded(data []byte, genuine [][]byte) bool {
	s, signature, err := split(data)
	return err == nil && slices.ContainsFunc(genuine, func(g []byte) bool {
		other, same, _ := split(g)
		return s == other && slices.Equal(signature, same)
	})
}

// FuzzParseHashes: the list is short and usable whatever came.
func FuzzParseHashes(f *testing.F) {
	f.Add(AppendHashes(nil, SupportedHashes()))
	f.Add([]byte{0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		list := ParseHashes(data)
		if len(list) > len(SupportedHashes()) {
			t.Errorf("%d hashes", len(list))
		}
		for _, h := range list {
			if !slices.Contains(SupportedHashes(), h) {
				t.Errorf("%v", h)
			}
		}
	})
}
