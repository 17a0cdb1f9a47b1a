package esp_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

type badParams struct {
	field string
	spoil func(*esp.Params)
}

// bothBad is refused in both directions.
var bothBad = []badParams{
	{"SPI", func(p *esp.Params) { p.SPI = 255 }},
	{"Suite", func(p *esp.Params) { p.Suite = suite.ESP{} }},
	{"Suite", func(p *esp.Params) { p.Suite.Encr.IVLen++ }},
	{"length of Keymat", func(p *esp.Params) { p.Keymat = p.Keymat[1:] }},
	{"length of Keymat", func(p *esp.Params) { p.Keymat = nil }},
	{"Mode", func(p *esp.Params) { p.Mode = 2 }},
	{"FirstSeq", func(p *esp.Params) { p.FirstSeq = 1 << 32 }},
}

var outboundBad = []badParams{
	{"Src", func(p *esp.Params) { p.Src = netip.Addr{} }},
	{"Dst", func(p *esp.Params) { p.Dst = netip.MustParseAddr("::ffff:192.0.2.2") }},
	{"Dst", func(p *esp.Params) { p.Dst = netip.MustParseAddr("2001:db8::1") }},
	{"Encap", func(p *esp.Params) { p.Encap = 2 }},
	{"SrcPort", func(p *esp.Params) { p.Encap, p.DstPort = esp.EncapUDP, 4500 }},
	{"DstPort", func(p *esp.Params) { p.Encap, p.SrcPort = esp.EncapUDP, 4500 }},
	{"DF", func(p *esp.Params) { p.DF = 3 }},
	{"DSCP", func(p *esp.Params) { p.DSCP = 64 }},
	{"DSCP", func(p *esp.Params) { p.DSCP = -2 }},
	{"FlowLabel", func(p *esp.Params) { p.FlowLabel = 1 << 20 }},
	{"DSCP", func(p *esp.Params) { p.Mode, p.DSCP = esp.ModeAGGFRAG, esp.DSCPCopy }}, // TFS-093
	{"DF", func(p *esp.Params) { p.Mode, p.DF = esp.ModeAGGFRAG, esp.DFCopy }},       // TFS-090
	{"CopyECN", func(p *esp.Params) { p.Mode, p.CopyECN = esp.ModeAGGFRAG, true }},   // TFS-092
	{"IVBase", func(p *esp.Params) { setSuite(p, suite.AES128GCM16IIV); p.IVBase = 1 }},
	{"IVBase", func(p *esp.Params) { setSuite(p, suite.AES128CBCSHA256); p.IVBase = 1 }},
	{"FirstSeq", func(p *esp.Params) { p.FirstSeq, p.Hard.Seq = 10, 9 }},
	{"TFC.Mode", func(p *esp.Params) { p.TFC.Mode = 3 }},
	{"TFC.Mode", func(p *esp.Params) { p.Mode, p.TFC.Mode, p.MTU = esp.ModeAGGFRAG, esp.TFCMTU, 1500 }},
	{"MTU", func(p *esp.Params) { p.TFC.Mode = esp.TFCMTU }},
	{"MTU", func(p *esp.Params) { p.TFC.Mode, p.MTU = esp.TFCMTU, 54 }},
	{"TFC.Bucket", func(p *esp.Params) { p.TFC.Mode = esp.TFCBucket }},
	{"TFC.Bucket", func(p *esp.Params) { p.TFC = esp.TFC{Mode: esp.TFCBucket, Bucket: 65536} }},
}

var inboundBad = []badParams{
	{"ReplayWindow", func(p *esp.Params) { p.ReplayWindow = -2 }},
	{"ReplayWindow", func(p *esp.Params) { p.ReplayWindow = esp.MaxWindow + 1 }},
	{"ReplayWindow", func(p *esp.Params) { p.ReplayWindow, p.ESN = -1, true }}, // ESP-015
}

func setSuite(p *esp.Params, a suite.Alg) {
	q := tunnelParams(a)
	p.Suite, p.Keymat = q.Suite, q.Keymat
}

func TestInstallRefusesBadParams(t *testing.T) {
	o, in := esp.NewOutbound(aead.NewStd(1), 1), esp.NewInbound(aead.NewStd(1), 1)
	check := func(t *testing.T, dir string, install func(uint32, *esp.Params) error, bad []badParams) {
		for i, b := range bad {
			t.Run(fmt.Sprint(dir, " ", b.field, " ", i), func(t *testing.T) {
				p := tunnelParams(suite.AES128GCM16)
				b.spoil(p)
				var e *esp.ParamError
				if err := install(0, p); !errors.As(err, &e) || e.Field != b.field {
					t.Fatalf("%v, want a ParamError about %s", err, b.field)
				}
				if !strings.Contains(e.Error(), b.field) || !strings.Contains(e.Error(), e.Want) {
					t.Errorf("%q names neither field nor expectation", e)
				}
			})
		}
	}
	check(t, "outbound", o.Install, append(bothBad, outboundBad...))
	check(t, "inbound", in.Install, append(bothBad, inboundBad...))
	// The slot is still empty and takes what is right.
	must(t, o.Install(0, tunnelParams(suite.AES128GCM16)))
	must(t, in.Install(0, tunnelParams(suite.AES128GCM16)))
}

func TestESP033_KeyMaterialNeverInErrors(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.Keymat = bytes.Repeat([]byte("K"), 19)
	err := esp.NewOutbound(aead.NewStd(1), 1).Install(0, p)
	if err == nil || strings.Contains(err.Error(), "KK") || strings.Contains(err.Error(), "75 75") {
		t.Errorf("%v", err)
	}
}

// ESP-034: key, then 4 octets of salt.
func TestESP034_KeymatLengths(t *testing.T) {
	for a, n := range map[suite.Alg]int{
		suite.AES128GCM16: 20, suite.AES192GCM16: 28, suite.AES256GCM16: 36, suite.ChaCha20Poly1305: 36, suite.AES128GMAC: 20,
	} {
		p := tunnelParams(a)
		for _, d := range []int{-4, -1, 1} {
			p.Keymat = make([]byte, n+d)
			if esp.NewInbound(aead.NewStd(1), 1).Install(0, p) == nil {
				t.Errorf("%v took %d octets", a, n+d)
			}
		}
		p.Keymat = make([]byte, n)
		must(t, esp.NewInbound(aead.NewStd(1), 1).Install(0, p))
	}
}

func TestSlots(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	for name, table := range map[string]interface {
		Install(uint32, *esp.Params) error
		Remove(uint32)
	}{"outbound": esp.NewOutbound(aead.NewStd(4), 2), "inbound": esp.NewInbound(aead.NewStd(4), 2)} {
		t.Run(name, func(t *testing.T) {
			if err := table.Install(2, p); !errors.Is(err, esp.ErrSlot) {
				t.Errorf("slot 2 of 2: %v", err)
			}
			must(t, table.Install(1, p))
			if err := table.Install(1, p); !errors.Is(err, esp.ErrSlotInUse) {
				t.Errorf("slot in use: %v", err)
			}
			table.Remove(1)
			table.Remove(1)
			table.Remove(1 << 31)
			must(t, table.Install(1, p))
		})
	}
}

func TestRemovedSlotSealsNothing(t *testing.T) {
	o := outbound(t, tunnelParams(suite.AES128GCM16))
	o.Remove(0)
	ms := burst(t, 1, 64)
	o.Seal(ms)
	wantVerdict(t, ms[0], mbuf.NoSA)
}

func TestTablesMustFitTheKeyTable(t *testing.T) {
	for _, slots := range []int{-1, 0, 3} {
		for name, build := range map[string]func(){
			"outbound": func() { esp.NewOutbound(aead.NewStd(2), slots) },
			"inbound":  func() { esp.NewInbound(aead.NewStd(2), slots) },
			"sad":      func() { esp.NewSAD(min(slots, 0)) },
		} {
			if !panics(build) {
				t.Errorf("%s of %d slots over 2 keys was built", name, slots)
			}
		}
	}
}

func panics(f func()) (p bool) {
	defer func() { p = recover() != nil }()
	f()
	return false
}
