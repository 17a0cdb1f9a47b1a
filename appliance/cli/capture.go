package cli

import (
	"encoding/binary"
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
		if err := f(p, networkLayer(p.Data, r.Link())); err != nil {
			return err
		}
	}
}

// networkLayer returns the IP packet of a frame, or nil.
func networkLayer(frame []byte, link pcappmd.LinkType) []byte {
	if link == pcappmd.LinkRaw {
		return frame
	}
	const addresses, tag = 12, 4
	for at := addresses; len(frame) >= at+2; at += tag {
		switch binary.BigEndian.Uint16(frame[at:]) {
		case 0x0800, 0x86dd:
			return frame[at+2:]
		case 0x8100, 0x88a8:
		default:
			return nil
		}
	}
	return nil
}

// newPool makes the memory of an offline run: packets are handled one at a time, so little is enough, and payloads wait in
// reorder windows.
func newPool(waiting int) (*mbuf.Pool, error) {
	return mbuf.NewPool(mbuf.PoolConfig{Name: "offline", N2K: 2*waiting + 512, N9K: 64 + waiting/8, N64K: 16 + waiting/32})
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
		p.Encap, p.SrcPort, p.DstPort = esp.EncapUDP, portOr4500(s.SrcPort), portOr4500(s.DstPort)
	}
	return p, nil
}

func portOr4500(p uint16) uint16 {
	if p == 0 {
		return 4500
	}
	return p
}
