package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// fake is an appliance made of lists. Safe for concurrent use.
type fake struct {
	mu         sync.Mutex
	configured []Configured
	sas        []IKESA
	static     []StaticSA
	failures   []Failure
	status     Status
	orders     []string
	refuse     error // what orders are refused with
	broken     error // what the control core answers with
	onOrder    func(f *fake)
}

// change alters the lists while others may read them.
func (f *fake) change(alter func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alter()
}

// in alters the lists after a time of the test's clock.
func (f *fake) in(d time.Duration, alter func()) { time.AfterFunc(d, func() { f.change(alter) }) }

func (f *fake) Configured() []Configured { return f.configured }
func (f *fake) Static() []StaticSA       { return f.static }
func (f *fake) Status() Status           { return f.status }

func (f *fake) SAs(context.Context) ([]IKESA, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sas), f.broken
}

func (f *fake) Failures(context.Context) ([]Failure, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.failures), f.broken
}

func (f *fake) order(words ...string) error {
	f.mu.Lock()
	f.orders = append(f.orders, words...)
	f.mu.Unlock()
	if f.onOrder != nil && f.refuse == nil {
		f.onOrder(f)
	}
	return f.refuse
}

func (f *fake) Initiate(_ context.Context, connection, child string) error {
	return f.order("initiate", connection, child)
}

func (f *fake) Terminate(_ context.Context, connection string) error {
	return f.order("terminate", connection)
}

func (f *fake) Rekey(_ context.Context, connection string, ike, children bool) error {
	words := []string{"rekey", connection}
	if ike {
		words = append(words, "ike")
	}
	if children {
		words = append(words, "children")
	}
	return f.order(words...)
}

// office is an appliance with two connections, the first of them with two children.
func office() *fake {
	return &fake{configured: []Configured{
		{Name: "office", Remote: "192.0.2.2", Children: []string{"lan", "voice"}},
		{Name: "home", Remote: "0.0.0.0/0", Children: []string{"all"}},
	}}
}

// sa is an IKE SA that is up.
func sa(connection string, spi IKESPI, children ...ChildSA) IKESA {
	return IKESA{Connection: connection, State: "established", Up: true, Initiator: true, SPIi: spi, SPIr: ^spi, Children: children}
}

// child is a Child SA that is up.
func child(name string, spi SPI) ChildSA {
	return ChildSA{Name: name, State: "up", Up: true, SPIIn: spi, SPIOut: ^spi, Suite: "aes256gcm16"}
}

// down is an IKE SA in another state.
func down(s IKESA, state string) IKESA {
	s.State, s.Up, s.Ending = state, false, state == "replaced" || state == "closing"
	return s
}

// served is a running server.
type served struct {
	testing.TB
	path   string
	cancel context.CancelFunc
	ended  chan error
}

// serve runs a server on a socket of its own until the test ends.
func serve(t testing.TB, b Backend) *served {
	t.Helper()
	return serveAt(t, filepath.Join(t.TempDir(), "s"), b)
}

// serveAt does so on a socket with that path.
func serveAt(t testing.TB, path string, b Backend) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{TB: t, path: path, cancel: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- Serve(ctx, s.path, b) }()
	t.Cleanup(cancel)
	for { // until it listens
		c, err := net.Dial("unix", s.path)
		if err == nil {
			c.Close()
			return s
		}
		select {
		case err := <-s.ended:
			t.Fatalf("Serve returned %v", err)
		default:
		}
	}
}

// stop ends the server and returns what Serve returned.
func (s *served) stop() error {
	s.cancel()
	return <-s.ended
}

// dial opens a connection that fails the test rather than hang.
func (s *served) dial() net.Conn {
	s.Helper()
	c, err := net.Dial("unix", s.path)
	if err != nil {
		s.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	s.Cleanup(func() { c.Close() })
	return c
}

// write sends octets.
func (s *served) write(c net.Conn, text string) {
	s.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		s.Fatal(err)
	}
}

// replies reads answers off a connection.
type replies struct {
	testing.TB
	d *json.Decoder
}

func (s *served) replies(c net.Conn) replies { return replies{s.TB, json.NewDecoder(c)} }

func (r replies) next() (answer reply) {
	r.Helper()
	if err := r.d.Decode(&answer); err != nil {
		r.Fatalf("no answer: %v", err)
	}
	return answer
}

// ended fails unless nothing more comes.
func (r replies) ended() {
	r.Helper()
	var answer reply
	if err := r.d.Decode(&answer); err == nil {
		r.Errorf("got one more answer, %+v", answer)
	} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		r.Error("the connection stays open")
	}
}
