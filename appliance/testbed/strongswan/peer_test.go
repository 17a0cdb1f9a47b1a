package strongswan

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// peer is a foreign IKE daemon with its own inside.
type peer interface {
	// run runs a shell command in the peer's network and returns what it printed.
	run(command string) (string, error)
	// swanctl runs swanctl, or what the implementation has in its place.
	swanctl(args ...string) (string, error)
	// log is what the daemon has logged.
	log() string
	// udp is the path of udp.pl as the peer sees it.
	udp() string
}

// swanctl runs a command of the peer that must succeed.
func swanctl(t testing.TB, p peer, args ...string) string {
	t.Helper()
	out, err := p.swanctl(args...)
	if err != nil {
		t.Fatalf("swanctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// sas is what the peer says of its SAs, one line for each.
func sas(t testing.TB, p peer) string {
	t.Helper()
	return swanctl(t, p, "--list-sas")
}

// awaitSAs waits until the peer's list of SAs matches every pattern; one that begins with "!" must not match.
func awaitSAs(t testing.TB, p peer, patterns ...string) (list string) {
	t.Helper()
	await(t, "the peer's SAs", func() string {
		list = sas(t, p)
		return mismatch(list, patterns)
	})
	return list
}

// awaitLog waits until the peer's log matches every pattern.
func awaitLog(t testing.TB, p peer, patterns ...string) {
	t.Helper()
	await(t, "the peer's log", func() string {
		if m := mismatch(p.log(), patterns); m != "" {
			return m[:min(len(m), 200)]
		}
		return ""
	})
}

// mismatch says which pattern a text fails.
func mismatch(text string, patterns []string) string {
	for _, pattern := range patterns {
		not := strings.HasPrefix(pattern, "!")
		if regexp.MustCompile(strings.TrimPrefix(pattern, "!")).MatchString(text) == not {
			return fmt.Sprintf("%q in:\n%s", pattern, text)
		}
	}
	return ""
}

// count is how often a pattern is in a text.
func count(text, pattern string) int { return len(regexp.MustCompile(pattern).FindAllString(text, -1)) }

// installed is a Child SA in the peer's list that carries data, and established an IKE SA.
const (
	established = `t: #\d+, ESTABLISHED, IKEv2`
	installed   = `net: #\d+, reqid \d+, (cpu \S+, )?INSTALLED`
)

// stopTime bounds what a peer takes to end.
const stopTime = 5 * time.Second
