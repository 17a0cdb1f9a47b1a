package mgmt

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCall gets results, and refusals as they were worded.
func TestCall(t *testing.T) {
	b := office()
	b.status.Drops = map[string]int{"replay": 3}
	s := serve(t, b)
	if raw, err := Call(t.Context(), s.path, Request{Verb: VerbShow, What: "drops"}); err != nil || string(raw) != `{"replay":3}` {
		t.Errorf("got %s, %v", raw, err)
	}
	b.refuse = errors.New("no connection \"offcie\"\x1b[2J")
	_, err := Call(t.Context(), s.path, Request{Verb: VerbTerminate, Name: "offcie"})
	if refused := (*RefusedError)(nil); !errors.As(err, &refused) || refused.Text != b.refuse.Error() {
		t.Errorf("got %v, expected a *RefusedError with the text of the backend", err)
	}
}

// TestCallNobody names the socket and says what is the matter with it.
func TestCallNobody(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	if _, err := Call(t.Context(), path, Request{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "no appliance") {
		t.Errorf("no socket: %v", err)
	}
	stale(t, path)
	if _, err := Call(t.Context(), path, Request{}); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "no appliance") {
		t.Errorf("stale socket: %v", err)
	}
}

// TestCallOfOther reports a program that does not answer, or not like an appliance, and gives up when it is told to.
func TestCallOfOther(t *testing.T) {
	for name, say := range map[string]string{"nothing": "", "something else": "220 mail\n", "half": `{"ok":`} {
		path := answering(t, say, true)
		if raw, err := Call(t.Context(), path, Request{Verb: VerbShow}); err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("%s: got %s, %v", name, raw, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	path := answering(t, "", false)
	go cancel()
	if raw, err := Call(ctx, path, Request{Verb: VerbShow}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %s, %v", raw, err)
	}
}

// answering is a program that reads a line and says something; it hangs up or stays.
func answering(t *testing.T, say string, hangUp bool) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		bufio.NewReader(c).ReadString('\n')
		c.Write([]byte(say))
		if hangUp {
			c.Close()
		} else {
			t.Cleanup(func() { c.Close() })
		}
	}()
	return path
}
