package strongswan

import (
	"slices"
	"strings"
	"testing"

	"stillwater/ike"
	"stillwater/ike/wire"
)

// refusal is a disagreement and what becomes of it.
type refusal struct {
	name     string
	peer     []string // options of the peer, the last one counts
	ours     settings
	stage    string
	notify   wire.NotifyType
	key      string // the key of our configuration that the verdict names
	begun    string // what the peer's log says when we begin
	answered string // what it says when it begins
	bare     bool   // the IKE SA comes up without a Child SA
}

var refusals = []refusal{
	{name: "secret", peer: []string{"-k", "another secret of 16 octets"}, stage: "IKE_AUTH", notify: wire.AuthenticationFailed, key: "psk_file",
		begun: `tried 1 shared key for 'b.test' - 'a.test', but MAC mismatched`, answered: `received AUTHENTICATION_FAILED notify error`},
	{name: "our identity", peer: []string{"-j", "c.test"}, stage: "IKE_AUTH", notify: wire.AuthenticationFailed, key: "local_id",
		begun: `no matching peer config found`},
	{name: "the peer's identity", peer: []string{"-i", "c.test"}, stage: "IKE_AUTH", notify: wire.AuthenticationFailed, key: "remote_id",
		answered: `received AUTHENTICATION_FAILED notify error`},
	{name: "IKE proposal", peer: []string{"-p", "aes256-sha512-modp3072"}, stage: "IKE_SA_INIT", notify: wire.NoProposalChosen, key: "proposals",
		begun: `received proposals unacceptable`, answered: `received NO_PROPOSAL_CHOSEN notify error`},
	{name: "ESP proposal", peer: []string{"-e", "aes256ccm8"}, stage: "IKE_AUTH", notify: wire.NoProposalChosen, key: "esp_proposals", bare: true,
		begun: `no acceptable proposal found`, answered: `received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built`},
	{name: "selectors", peer: []string{"-L", "10.3.0.0/16"}, stage: "IKE_AUTH", notify: wire.TSUnacceptable, key: "remote_ts", bare: true,
		begun: `traffic selectors .* unacceptable`, answered: `received TS_UNACCEPTABLE notify, no CHILD_SA built`},
	{name: "IP-TFS", ours: settings{connection: `iptfs = "require"`}, stage: "IKE_AUTH", key: "iptfs", bare: true},
}

// Whatever the two sides disagree about, each says so, and ours names the key to change.
func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		for _, who := range bothBegin {
			if who == weBegin && r.begun == "" && r.answered != "" || who == theyBegin && r.answered == "" && r.begun != "" {
				continue // nothing to refuse on that side
			}
			t.Run(r.name+", "+string(who), func(t *testing.T) { r.run(t, who) })
		}
	}
}

func (r refusal) run(t *testing.T, who begins) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n, r.peer...)
	r.ours.connection += "\nretransmit_timeout = \"200ms\"\nretransmit_tries = 3\n"
	g := startGateway(n, r.ours)
	if who == weBegin {
		g.order()
		r.logged(t, p, r.begun)
	} else {
		_, _ = p.swanctl("--initiate", "--child", child, "--timeout", "5") // it fails; the log tells how
		r.logged(t, p, r.answered)
	}
	var f ike.Failure
	await(t, "our verdict", func() string {
		fs := g.failures()
		i := slices.IndexFunc(fs, func(f ike.Failure) bool { return f.Stage == r.stage && (r.notify == 0 || f.Notify == r.notify) })
		if i < 0 {
			return "none but: " + strings.Join(verdicts(fs), "; ")
		}
		f = fs[i]
		return ""
	})
	if !strings.Contains(f.Key, r.key) || f.Reason == "" {
		t.Errorf("verdict %+v, expected a reason and the key %q", f, r.key)
	}
	g.awaitSettled(0)
	if r.bare {
		g.awaitUp(0)
	} else {
		g.awaitGone()
	}
}

// logged waits for what the peer's log says, if it says anything.
func (r refusal) logged(t *testing.T, p peer, pattern string) {
	t.Helper()
	if pattern != "" {
		awaitLog(t, p, pattern)
	}
}

// verdicts are failures in one line each.
func verdicts(fs []ike.Failure) (out []string) {
	for _, f := range fs {
		out = append(out, f.Stage+" "+f.Notify.String()+" "+f.Key+": "+f.Reason)
	}
	return out
}
