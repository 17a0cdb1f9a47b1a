package mgmt

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const askConnections = `{"verb":"show","what":"connections"}`

// TestConversation answers requests in order, whatever was wrong with the one before, and the last one without a newline too.
func TestConversation(t *testing.T) {
	s := serve(t, office())
	c := s.dial()
	r := s.replies(c)
	for _, q := range []struct {
		line string
		ok   bool
	}{{askConnections, true}, {"hello", false}, {"", false}, {`{"verb":"show","what":"money"}`, false}, {"\x00\xff", false}, {askConnections, true}} {
		s.write(c, q.line+"\n")
		if got := r.next(); got.OK != q.ok || got.OK == (got.Error != "") || got.OK != (len(got.Result) > 0) {
			t.Errorf("%q: got %+v, expected ok %t", q.line, got, q.ok)
		}
	}
	s.write(c, askConnections+"\n"+askConnections)
	c.(*net.UnixConn).CloseWrite()
	for range 2 {
		if got := r.next(); !got.OK {
			t.Errorf("got %+v", got)
		}
	}
	r.ended()
}

// TestTooLong refuses a line that is longer than a request can be, and hangs up.
func TestTooLong(t *testing.T) {
	s := serve(t, office())
	c := s.dial()
	fits := askConnections + strings.Repeat(" ", maxRequest-1-len(askConnections)) + "\n"
	s.write(c, fits)
	r := s.replies(c)
	if got := r.next(); !got.OK {
		t.Errorf("%d octets: got %+v", len(fits), got)
	}
	s.write(c, strings.Repeat(" ", maxRequest)+"\n")
	if got := r.next(); got.OK || !strings.Contains(got.Error, "65536") {
		t.Errorf("%d octets: got %+v, expected a refusal that names the limit", maxRequest+1, got)
	}
	r.ended()
}

// TestTooMany refuses one connection more than there may be, and takes another once one has gone.
func TestTooMany(t *testing.T) {
	s := serve(t, office())
	open := make([]net.Conn, maxConnections)
	for i := range open {
		open[i] = s.dial()
		s.write(open[i], askConnections+"\n")
		if got := s.replies(open[i]).next(); !got.OK { // perhaps the one that serve opened has not gone yet
			open[i] = s.admitted()
		}
	}
	r := s.replies(s.dial())
	if got := r.next(); got.OK || !strings.Contains(got.Error, "16") {
		t.Errorf("got %+v, expected a refusal that names the limit", got)
	}
	r.ended()
	open[3].Close()
	s.admitted()
}

// admitted tries until a connection is answered.
func (s *served) admitted() net.Conn {
	s.Helper()
	for {
		c := s.dial()
		c.Write([]byte(askConnections + "\n")) // it may have been refused already
		if s.replies(c).next().OK {
			return c
		}
	}
}

// TestShutdown hangs up on those that are idle, and tells those that wait.
func TestShutdown(t *testing.T) {
	began := make(chan struct{})
	b := office()
	b.onOrder = func(*fake) { close(began) }
	s := serve(t, b)
	idle, waiting := s.dial(), s.dial()
	s.write(waiting, `{"verb":"initiate","name":"office","timeout_ms":300000}`+"\n")
	<-began
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	s.replies(idle).ended()
	r := s.replies(waiting)
	if got := r.next(); got.OK || !strings.Contains(got.Error, "shutting down") {
		t.Errorf("got %+v, expected that the appliance is shutting down", got)
	}
	r.ended()
}

// TestIdle hangs up on a client that sends nothing, or half a request, for the idle time, and not before.
func TestIdle(t *testing.T) {
	for _, sent := range []string{"", `{"verb":`} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			s := server{backend: office()}
			began, ended := time.Now(), make(chan time.Duration, 1)
			go func() {
				s.converse(t.Context(), far)
				ended <- time.Since(began)
				far.Close()
			}()
			if sent != "" {
				near.Write([]byte(sent))
			}
			if got := <-ended; got != idleTime {
				t.Errorf("%q: hung up after %v, expected %v", sent, got, idleTime)
			}
		})
	}
}

// TestSlowReader gives up a client that does not read its answer.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := server{backend: office()}
		began, ended := time.Now(), make(chan time.Duration, 1)
		go func() {
			s.converse(t.Context(), far)
			ended <- time.Since(began)
		}()
		near.Write([]byte(askConnections + "\n"))
		if got := <-ended; got != writeTime {
			t.Errorf("gave up after %v, expected %v", got, writeTime)
		}
	})
}

// TestStopWhileReading ends a conversation at once when the appliance ends, in whatever order deadline and end come.
func TestStopWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := server{backend: office()}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		began := time.Now()
		go func() { defer close(ended); s.converse(ctx, far) }()
		near.Write([]byte(askConnections + "\n"))
		if _, err := bufio.NewReader(near).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
		if d := time.Since(began); d != 0 {
			t.Errorf("ended after %v, expected at once", d)
		}
	})
}
