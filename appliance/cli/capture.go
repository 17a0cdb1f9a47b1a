package cli

import (
	"errors"
	"fmt"
	"io"

	"stillwater/appliance/config"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// eachPacket calls f for every record of a capture; the data is that of the network layer, with link header and 802.1Q tags
// removed, or nil where the frame does not carry IP.
func eachPacket(name string, f func(p pcappmd.Packet, ip []byte) error) error {
	r, err := pcappmd.OpenReader(name)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(p, pcappmd.NetworkLayer(p.Data, r.Link())); err != nil {
			return err
		}
	}
}

// newPool makes the memory of an offline run: packets are handled one at a time, but for up to waiting of at most largest
// octets each, which wait in reorder windows or queues.
func newPool(waiting, largest int) (*mbuf.Pool, error) {
	n := [...]int{mbuf.Class2K: 512, mbuf.Class9K: 2 * mbuf.BurstSize, mbuf.Class64K: mbuf.BurstSize + 16}
	most, _ := mbuf.ClassFor(largest)
	for c := range most + 1 {
		n[c] += waiting
	}
	return mbuf.NewPool(mbuf.PoolConfig{Name: "offline", N2K: n[mbuf.Class2K], N9K: n[mbuf.Class9K], N64K: n[mbuf.Class64K]})
}

// params turns a [[sa]] of a key file into what package esp builds an SA from.
func params(file string, i int, s *config.CaptureSA) (*esp.Params, error) {
	st, err := suite.ParseESP(s.Encr, s.Integ)
	if err != nil {
		return nil, fmt.Errorf("%s: sa %d: %w", file, i+1, err)
	}
	p := &esp.Params{
		SPI: s.SPI, Suite: st, Keymat: s.Key.Bytes(), ESN: s.ESN, Src: s.Src, Dst: s.Dst,
		FirstSeq: uint64(s.ESNInitialHi) << 32, ReplayWindow: s.ReplayWindow,
	}
	if s.Mode == config.CaptureIPTFS {
		p.Mode = esp.ModeAGGFRAG
	}
	if s.Encap == config.EncapUDP {
		p.Encap, p.SrcPort, p.DstPort = esp.EncapUDP, s.SrcPort, s.DstPort
	}
	return p, nil
}
