package pcappmd

import (
	"path/filepath"
	"sync"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/pmdtest"
)

// recorded is a pair of ports made of one file: the sender records, and when the receiver is first asked for anything the
// file is completed and opened for replay.
type recorded struct {
	testing.TB
	file string
	cfg  pmd.Config
	link string

	sender pmd.Port
	closed sync.Once
	opened sync.Once
	replay pmd.Port
}

func (r *recorded) finish() {
	r.closed.Do(func() {
		if err := r.sender.Close(); err != nil {
			r.Error(err)
		}
	})
}

// receiver returns the replaying port; an empty recording is no error here, only nothing to receive.
func (r *recorded) receiver() pmd.Port {
	r.opened.Do(func() {
		r.finish()
		device := "pcap:rx=" + r.file
		if _, err := load(r.file); err != nil {
			device = "pcap:tx=" + r.file + ".unused,link=" + r.link
		}
		p, err := pmd.Open(device, r.cfg)
		if err != nil {
			r.Fatal(err)
		}
		r.replay = p
	})
	return r.replay
}

type senderPort struct {
	pmd.Port
	*recorded
}

func (p senderPort) Close() error {
	p.finish()
	return nil
}

type receiverPort struct{ *recorded }

func (p receiverPort) Info() pmd.Info       { return p.receiver().Info() }
func (p receiverPort) Rx(i int) pmd.RxQueue { return p.receiver().Rx(i) }
func (p receiverPort) Tx(i int) pmd.TxQueue { return p.receiver().Tx(i) }
func (p receiverPort) Stats() pmd.Stats     { return p.receiver().Stats() }
func (p receiverPort) Close() error         { return p.receiver().Close() }

func harness(t *testing.T, link pmd.Link) pmdtest.Harness {
	h := pmdtest.Harness{Link: link, Caps: pmdtest.MultiQueue | pmdtest.Jumbo}
	if link == pmd.Ethernet {
		h.Caps |= pmdtest.VLAN
	}
	h.Open = func(tb testing.TB, a, b pmd.Config) (pmd.Port, pmd.Port) {
		r := &recorded{TB: tb, file: filepath.Join(t.TempDir(), "wire.pcap"), cfg: b, link: link.String()}
		p, err := pmd.Open("pcap:tx="+r.file+",link="+r.link, a)
		if err != nil {
			tb.Fatal(err)
		}
		r.sender = p
		return senderPort{p, r}, receiverPort{r}
	}
	return h
}

func TestConformanceEthernet(t *testing.T) { pmdtest.Run(t, harness(t, pmd.Ethernet)) }

func TestConformanceRawIP(t *testing.T) { pmdtest.Run(t, harness(t, pmd.RawIP)) }
