package ke

import (
	"testing"

	"stillwater/crypto/suite"
)

// BenchmarkGenerate is the initiator's work before its request, BenchmarkShared that after the answer, and
// BenchmarkRespond all of the responder's.
func BenchmarkGenerate(b *testing.B) {
	methods(b, func(b *testing.B, row suite.KE) {
		for b.Loop() {
			generate(b, row.ID)
		}
	})
}

func BenchmarkShared(b *testing.B) {
	methods(b, func(b *testing.B, row suite.KE) {
		p, peer := generate(b, row.ID), generate(b, row.ID).Public()
		for b.Loop() {
			if _, err := p.Shared(peer); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRespond(b *testing.B) {
	methods(b, func(b *testing.B, row suite.KE) {
		peer := generate(b, row.ID).Public()
		for b.Loop() {
			if _, _, err := Respond(row.ID, peer); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// methods runs a benchmark for every method of the table.
func methods(b *testing.B, f func(b *testing.B, row suite.KE)) {
	for _, row := range suite.KEs() {
		b.Run(row.Name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, row)
		})
	}
}
