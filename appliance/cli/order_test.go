package cli

import (
	"strings"
	"testing"

	"stillwater/appliance/mgmt"
)

// TestOrders passes on what was asked for and prints what came of it.
func TestOrders(t *testing.T) {
	fresh := func(d *double) { // SAs as they are after a rekey of everything
		s := d.sas[0]
		s.SPIi++
		s.Children = []mgmt.ChildSA{s.Children[0]}
		s.Children[0].SPIIn = 0x40000003
		d.sas = []mgmt.IKESA{s}
	}
	const lan = "  office/lan: SPI 40000001 in, 00001000 out, aes256gcm16-esn, lcore 1\n"
	renewed := strings.Replace(lan, "40000001", "40000003", 1)
	for _, c := range []struct {
		args          string
		order, stdout string
		after         func(*double)
	}{
		{"initiate office", "initiate office ", "office: up\n" + lan, nil},
		{"initiate office/lan", "initiate office lan", "office/lan: up\n" + lan, nil},
		{"initiate -no-wait home", "initiate home ", "home: begun, outcome not awaited\n", nil},
		{"initiate home/voice -no-wait", "initiate home voice", "home/voice: begun, outcome not awaited\n", nil},
		{"terminate office", "terminate office", "office: down\n", func(d *double) { d.sas = nil }},
		{"rekey office", "rekey office ike children", "office: rekeyed\n" + renewed, fresh},
		{"rekey -ike office", "rekey office ike -", "office: rekeyed\n" + renewed, fresh},
		{"rekey office -child -timeout 30s", "rekey office - children", "office: rekeyed\n" + renewed, fresh},
		{"rekey -ike office -child", "rekey office ike children", "office: rekeyed\n" + renewed, fresh},
	} {
		t.Run(c.args, func(t *testing.T) {
			d := newDouble()
			d.onOrder = func(d *double) error {
				if c.after != nil {
					c.after(d)
				}
				return nil
			}
			o := mustPass(t, append(strings.Fields(c.args), "-s", d.serve(t))...)
			if o.stdout != c.stdout || len(d.orders) != 1 || d.orders[0] != c.order {
				t.Errorf("printed %q, orders %q; expected %q, %q", o.stdout, d.orders, c.stdout, c.order)
			}
		})
	}
}

// TestOrderFails ends with status 1 and the verdict on standard error.
func TestOrderFails(t *testing.T) {
	for name, c := range map[string]struct {
		args    string
		onOrder func(*double) error
		stderr  string
	}{
		"unknown name": {"initiate offcie", func(*double) error { return errNoName }, "stillwater initiate: " + errNoName.Error() + "\n"},
		"negotiation": {"initiate home", func(d *double) error {
			d.failures = append(d.failures, mgmt.Failure{
				Connection: "home", Remote: "192.0.2.9:500", Stage: "IKE_SA_INIT", Notify: "NO_PROPOSAL_CHOSEN", FromPeer: true,
				Offered: "aes128gcm16-prfsha256-x25519", Key: "ike_proposals", Reason: "the peer refused all proposals",
			})
			return nil
		}, `stillwater initiate: "home": IKE_SA_INIT with 192.0.2.9:500 failed: the peer refused all proposals; the peer sent NO_PROPOSAL_CHOSEN; ` +
			"offered aes128gcm16-prfsha256-x25519; key to change: ike_proposals\n"},
		"time": {"initiate home/voice -timeout 20ms", nil, "stillwater initiate: \"home\": not up after 20ms; it goes on: no IKE SA\n"},
		"lost": {"rekey office", func(d *double) error { d.sas = nil; return nil }, "stillwater rekey: \"office\": the connection went down meanwhile\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble()
			d.onOrder = c.onOrder
			o := call(append(strings.Fields(c.args), "-s", d.serve(t))...)
			if o.status != exitFailed || o.stdout != "" || o.stderr != c.stderr {
				t.Errorf("status %d, %q, %q; expected 1 and %q", o.status, o.stdout, o.stderr, c.stderr)
			}
		})
	}
}
