package bench

import (
	"fmt"
	"testing"
)

// BenchmarkPass runs whole passes of each circuit, untimed parts included: it is there to be profiled.
func BenchmarkPass(b *testing.B) {
	for _, s := range scenarios {
		for _, size := range []int{64, 1400} {
			b.Run(fmt.Sprintf("%s/%d", s.name, size), func(b *testing.B) {
				c := build(b, s.name, size)
				for b.Loop() {
					onePass(b, c)
				}
			})
		}
	}
}
