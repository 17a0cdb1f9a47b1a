package sign

import "testing"

// BenchmarkSign and BenchmarkVerify measure each scheme over octets of the usual size of an IKE_SA_INIT message.
func BenchmarkSign(b *testing.B) {
	octets := make([]byte, 400)
	for name, key := range keys() {
		s := Preference(key.Public())[0]
		b.Run(name+"/"+s.String(), func(b *testing.B) {
			for b.Loop() {
				must(Sign(key, s, octets))
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	octets := make([]byte, 400)
	for name, key := range keys() {
		s := Preference(key.Public())[0]
		data := must(Sign(key, s, octets))
		b.Run(name+"/"+s.String(), func(b *testing.B) {
			for b.Loop() {
				if err := Verify(key.Public(), data, octets, SupportedHashes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
