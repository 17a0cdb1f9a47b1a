package mgmt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// The bounds of the socket: what a client can hold of the appliance, whatever it sends or fails to read.
const (
	maxConnections = 16
	idleTime       = 30 * time.Second // between requests, and for the rest of one
	workTime       = 10 * time.Second // for the control core to answer, on top of what the request waits for
	writeTime      = 10 * time.Second
	acceptPause    = 100 * time.Millisecond // after a failed accept, for want of file descriptors
)

// Serve answers requests on a unix socket at path until ctx ends, then removes it. The error is why there is no socket:
// ErrInUse when another program listens there.
func Serve(ctx context.Context, path string, b Backend) error {
	l, err := listen(path)
	if err != nil {
		return err
	}
	s := server{backend: b, seats: make(chan struct{}, maxConnections)}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	s.accept(ctx, l.UnixListener)
	err = l.remove()
	s.open.Wait()
	return err
}

// server is the connections of one socket. Safe for concurrent use.
type server struct {
	backend Backend
	seats   chan struct{} // one for each connection
	open    sync.WaitGroup
}

// accept admits connections until the listener is closed.
func (s *server) accept(ctx context.Context, l *net.UnixListener) {
	for {
		c, err := l.AcceptUnix()
		switch {
		case err == nil:
			s.admit(ctx, c)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
		}
	}
}

// admit gives a connection a goroutine, or tells why it gets none.
func (s *server) admit(ctx context.Context, c *net.UnixConn) {
	err := checkPeer(c)
	if err == nil {
		select {
		case s.seats <- struct{}{}:
			s.open.Go(func() {
				defer func() { <-s.seats }()
				defer c.Close()
				s.converse(ctx, c)
			})
			return
		default:
			err = fmt.Errorf("%d connections are open already, which is the most there may be", maxConnections)
		}
	}
	send(c, refuse(err))
	c.Close()
}

// converse answers the requests of one connection, one after the other, until there are no more, one is too long or the
// client is too slow.
func (s *server) converse(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	in := bufio.NewReaderSize(c, maxRequest)
	for {
		c.SetReadDeadline(time.Now().Add(idleTime))
		if ctx.Err() != nil { // the deadline above may have undone the one that ends the conversation
			return
		}
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			send(c, refuse(fmt.Errorf("request: longer than %d octets", maxRequest)))
			return
		}
		last := errors.Is(err, io.EOF) // this line may end without a newline
		if len(line) == 0 || err != nil && !last || ctx.Err() != nil {
			return
		}
		if !send(c, answer(ctx, s.backend, line)) || last {
			return
		}
	}
}

// send writes a line; false when the client does not take it.
func send(c net.Conn, line []byte) bool {
	c.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := c.Write(line)
	return err == nil
}
