package esp_test

import (
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// No stage allocates, with traffic that takes every path: several suites, UDP over IPv6, TFC, limits, refusals.
func TestNoAllocation(t *testing.T) {
	var ps []*esp.Params
	for i, a := range []suite.Alg{suite.AES128GCM16, suite.AES128GMAC, suite.AES128CBCSHA256, suite.ChaCha20Poly1305IIV} {
		p := tunnelParams(a)
		p.SPI, p.ESN, p.CopyECN, p.DSCP, p.DF = uint32(0x1000+i), i%2 == 0, true, esp.DSCPCopy, esp.DFCopy
		p.TFC = esp.TFC{Mode: esp.TFCBucket, Bucket: 128}
		p.Soft.Packets = uint64(1 + i)
		if i == 1 {
			q := goldenParams('6', "set", "copy", "udp")
			p.Src, p.Dst, p.Encap, p.SrcPort, p.DstPort = q.Src, q.Dst, q.Encap, q.SrcPort, q.DstPort
		}
		ps = append(ps, p)
	}
	o, in, sad := outbound(t, ps...), inbound(t, ps...), esp.NewSAD(8)
	for i, p := range ps {
		must(t, sad.Insert(p.SPI, uint32(i)))
	}
	ms := burst(t, mbuf.BurstSize, 100)
	order := append(mbuf.Burst(nil), ms...)
	inner, events := inner4(100, 1), make([]esp.Event, 8)
	outerLen := [...]int{20, 48, 20, 20}
	round := func() {
		copy(ms, order)
		for i, m := range ms {
			refill(m, len(inner))
			copy(m.Data(), inner)
			m.SA = uint32(i % (len(ps) + 1)) // the last slot is outside the table
		}
		n := o.Seal(ms)
		for _, m := range ms[:n] {
			m.Adj(outerLen[m.SA])
			m.SPI, _ = esp.ParseSPI(m.Data())
		}
		n = sad.LookupBurst(ms[:n])
		if in.Open(ms[:n]) != n || n == 0 {
			t.Fatal(ms[0].Verdict)
		}
		o.TakeEvents(events)
		in.TakeEvents(events)
	}
	if allocs := testing.AllocsPerRun(100, round); allocs != 0 {
		t.Errorf("%v allocations a round of seal, lookup and open", allocs)
	}
}

// The builder fills slots while the lcore seals and opens in others: run with -race.
func TestBuilderBesideLcore(t *testing.T) {
	const slots, generations = 8, 20
	o, in := esp.NewOutbound(aead.NewStd(slots), slots), esp.NewInbound(aead.NewStd(slots), slots)
	ready, done := make(chan uint32, slots), make(chan uint32, slots)
	go func() {
		defer close(ready)
		for slot := range uint32(slots) {
			done <- slot
		}
		for range slots * generations {
			slot := <-done
			o.Remove(slot)
			in.Remove(slot)
			p := tunnelParams(suite.AES128GCM16)
			if o.Install(slot, p) != nil || in.Install(slot, p) != nil {
				return
			}
			ready <- slot
		}
	}()
	handled := 0
	for slot := range ready {
		ms := burst(t, 4, 64)
		for _, m := range ms {
			m.SA = slot
		}
		if n := o.Seal(ms); n != 4 || ms[0].Seq != 1 {
			t.Errorf("%d sealed, first sequence number %d", n, ms[0].Seq)
		}
		for _, m := range ms {
			m.Adj(20)
		}
		if n := in.Open(ms); n != 4 {
			t.Errorf("%d opened", n)
		}
		handled++
		done <- slot
	}
	if handled != slots*generations {
		t.Errorf("%d SAs came through, want %d", handled, slots*generations)
	}
}
