package mgmt

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestSPI has as many digits as the field of the packet, and reads back nothing else.
func TestSPI(t *testing.T) {
	if got := SPI(0x1234).String() + " " + IKESPI(0xab).String(); got != "00001234 00000000000000ab" {
		t.Errorf("got %s", got)
	}
	for _, text := range []string{"", "1234", "0x001234", "00001234 ", "g0001234", "-0001234", "0000000000000000", "000012345"} {
		var s SPI
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "8 hexadecimal digits") {
			t.Errorf("%q: got %v, %v", text, s, err)
		}
		var i IKESPI
		if err := i.UnmarshalText([]byte(text)); (err == nil) != (text == "0000000000000000") {
			t.Errorf("%q: got %v, %v", text, i, err)
		}
	}
}

// shownSAs is what scripts read: names and forms here are a promise.
const shownSAs = `{"ike":[{"connection":"office","state":"established","up":true,"ending":true,"initiator":true,` +
	`"local":"192.0.2.1:4500","remote":"[2001:db8::2]:4500","udp":true,"local_id":"a","remote_id":"b",` +
	`"spi_i":"0000000000000001","spi_r":"fedcba9876543210","suite":"aes256gcm16-prfsha384-ecp384","age_s":1.5,"idle_s":0.25,` +
	`"rekey_in_s":-1,"rekeys":2,"retransmits":3,"children":[{"name":"lan","state":"up","up":true,"spi_in":"c0ffee01",` +
	`"spi_out":"00000100","suite":"aes256gcm16-esn","lcore":4,"fallback":true,"mode":"constant","local_ts":["10.1.0.0/16"],` +
	`"remote_ts":["10.2.0.0/16[tcp/80]"],"age_s":1,"received":{"packets":5,"octets":6},"sent":{"packets":7,"octets":8}}]}],` +
	`"static":[{"tunnel":"wan","lcore":1,"spi_in":"00001001","spi_out":"00001002","suite":"aes128gcm16","received":{"packets":0,"octets":0},"sent":{"packets":9,"octets":0}}]}`

// TestShownSAs writes every field, and reads it back.
func TestShownSAs(t *testing.T) {
	overdue := -1.0
	want := SAs{
		IKE: []IKESA{{
			Connection: "office", State: "established", Up: true, Ending: true, Initiator: true, Local: netip.MustParseAddrPort("192.0.2.1:4500"),
			Remote: netip.MustParseAddrPort("[2001:db8::2]:4500"), UDP: true, LocalID: "a", RemoteID: "b", SPIi: 1, SPIr: 0xfedcba9876543210,
			Suite: "aes256gcm16-prfsha384-ecp384", Age: 1.5, Idle: 0.25, RekeyIn: &overdue, Rekeys: 2, Retransmits: 3,
			Children: []ChildSA{{
				Name: "lan", State: "up", Up: true, SPIIn: 0xc0ffee01, SPIOut: 0x100, Suite: "aes256gcm16-esn", Lcore: 4, Fallback: true,
				Mode: "constant", Local: []string{"10.1.0.0/16"}, Remote: []string{"10.2.0.0/16[tcp/80]"}, Age: 1,
				Received: Carried{5, 6}, Sent: Carried{7, 8},
			}},
		}},
		Static: []StaticSA{{Tunnel: "wan", Lcore: 1, SPIIn: 0x1001, SPIOut: 0x1002, Suite: "aes128gcm16", Sent: Carried{Packets: 9}}},
	}
	b, err := json.Marshal(want)
	if err != nil || string(b) != shownSAs {
		t.Errorf("%v, (-want +got)\n%s", err, cmp.Diff(shownSAs, string(b)))
	}
	var got SAs
	if err := json.Unmarshal([]byte(shownSAs), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestFailureLine says stage, peer and reason, then what is known: who refused, offer, configuration, and the key to change.
func TestFailureLine(t *testing.T) {
	f := Failure{Time: time.Unix(1, 0), Connection: "office", Remote: "192.0.2.2:500", Stage: "IKE_SA_INIT", Reason: "no common suite"}
	want := "IKE_SA_INIT with 192.0.2.2:500 failed: no common suite"
	if got := f.String(); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	f.Notify, f.FromPeer, f.Offered, f.Configured, f.Key = "NO_PROPOSAL_CHOSEN", true, "aes128-sha256", "aes256gcm16", "ike_proposals"
	want += "; the peer sent NO_PROPOSAL_CHOSEN; offered aes128-sha256; configured aes256gcm16; key to change: ike_proposals"
	if got := f.String(); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	f.FromPeer = false
	if got := f.String(); !strings.Contains(got, "; this end sent NO_PROPOSAL_CHOSEN; ") {
		t.Errorf("got %q", got)
	}
}
