package pmdtest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"stillwater/pmd"
)

// recorder is a testing.TB that notes failures instead of reporting them.
type recorder struct {
	testing.TB
	messages []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Error(a ...any)            { r.messages = append(r.messages, fmt.Sprint(a...)) }
func (r *recorder) Errorf(f string, a ...any) { r.messages = append(r.messages, fmt.Sprintf(f, a...)) }

func (r *recorder) Fatal(a ...any) {
	r.Error(a...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	runtime.Goexit()
}

// failures runs one check of the suite on a driver and returns what it complained about.
func failures(t *testing.T, name string, h Harness) []string {
	t.Helper()
	h.patience = 100 * time.Millisecond // what never arrives need not be waited for long
	for _, c := range checks {
		if c.name != name {
			continue
		}
		rec, done := &recorder{TB: t}, make(chan struct{})
		go func() {
			defer close(done)
			c.run(rec, h)
		}()
		<-done
		return rec.messages
	}
	t.Fatalf("the suite has no check %q", name)
	return nil
}

// TestEveryFaultIsFound: a conformance suite is worth what it refuses.
func TestEveryFaultIsFound(t *testing.T) {
	for _, c := range []struct {
		fault fault
		check string
		says  string
	}{
		{wrongOctet, "BytesExactAtEverySize", "other octets"},
		{wrongOctet, "BytesExactJumbo", "other octets"},
		{wrongOctet, "BytesExactBackwards", "other octets"},
		{reordered, "OrderWithinQueue", "arrival 0 is"},
		{reordered, "BurstsOf1To256", "arrival 0 is"},
		{dropsSilently, "BytesExactAtEverySize", "then none for"},
		{leaksOnSend, "BytesExactAtEverySize", "leaks"},
		{leaksOnClose, "CloseFreesWhatIsInFlight", "leaks"},
		{freesRejected, "FullQueueTakesFewer", "still the caller's"},
		{noTime, "Metadata", "time 0"},
		{noPort, "Metadata", "port 0"},
		{noHeadroom, "Metadata", "headroom 0"},
		{staleVerdict, "Metadata", "too_big"},
		{tagForAll, "Metadata", "no tag"},
		{losesTag, "VLAN", "arrival 0 is"},
		{cutsOversize, "OversizeIsCountedNotCut", "nobody sent"},
		{blocksOnOversize, "OversizeIsCountedNotCut", "blocks the transmit queue"},
		{miscountsTx, "StatsAddUp", "sender counts"},
		{miscountsRx, "StatsAddUp", "receiver counts"},
		{dropsWhenFull, "FullQueueTakesFewer", "takes all"},
		{neverFull, "FullQueueTakesFewer", "takes all"},
		{losesOnEmptyPool, "EmptyPoolRecovers", "0 arrived later"},
		{allocates, "NoAllocationPerBurst", "allocations per burst"},
		{wrongQueue, "FlowStaysOnItsQueue", "the mbuf says"},
		{scattersFlow, "FlowStaysOnItsQueue", "is on queues"},
		{scattersFlow, "QueuesInParallel", "is on queues"},
	} {
		t.Run(c.check+" "+c.says, func(t *testing.T) {
			got := strings.Join(failures(t, c.check, loopHarness(c.fault, pmd.Ethernet)), "\n")
			if !strings.Contains(got, c.says) {
				t.Errorf("fault %d: expected a complaint with %q, got %q", c.fault, c.says, got)
			}
		})
	}
}

// TestSoundDriverPasses: the driver without a fault gets no complaint, so that those above are about the faults.
func TestSoundDriverPasses(t *testing.T) {
	for _, link := range []pmd.Link{pmd.Ethernet, pmd.RawIP} {
		for _, c := range checks {
			if c.name == "NoAllocationPerBurst" {
				continue // the loop keeps copies
			}
			t.Run(link.String()+" "+c.name, func(t *testing.T) { c.run(t, loopHarness(none, link)) })
		}
	}
}

// TestRunSkipsWhatIsNotDeclared: without capabilities only what every driver can do is asked for.
func TestRunSkipsWhatIsNotDeclared(t *testing.T) {
	h := loopHarness(none, pmd.Ethernet)
	h.Caps = RxAllocates
	asked := 0
	for _, c := range checks {
		if h.has(c.needs) {
			asked++
		}
	}
	if asked == 0 || asked == len(checks) {
		t.Errorf("%d of %d checks need no capability", asked, len(checks))
	}
	if got := (Live | VLAN).String(); got != "Live|VLAN" {
		t.Errorf("capabilities are named %q", got)
	}
}

// TestPacketIsIdentified: what the suite sends it recognises, and nothing shorter or changed.
func TestPacketIsIdentified(t *testing.T) {
	for _, link := range []pmd.Link{pmd.Ethernet, pmd.RawIP} {
		p := packet{flow: 513, seq: 65535, size: 77}
		f := p.frame(link)
		if got, ok := identify(f, link); !ok || got != p {
			t.Errorf("%v: %+v came back as %+v, %v", link, p, got, ok)
		}
		for n := range linkLen(link) + minPacket {
			if _, ok := identify(f[:n], link); ok {
				t.Errorf("%v: %d octets were taken for a packet", link, n)
			}
		}
		if ip := f[linkLen(link):]; checksum(ip[:ipv4Len]) != 0 {
			t.Errorf("%v: the header checksum is wrong: %x", link, ip[:ipv4Len])
		}
	}
}
