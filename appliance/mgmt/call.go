package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// maxReply bounds what Call reads, octets: some 100,000 SAs.
const maxReply = 64 << 20

// RefusedError is the appliance's own word on why it did not do what it was asked. The text may repeat what a peer has sent:
// escape it before a terminal sees it.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// Call sends one request to the appliance that listens at path and waits for the result until ctx ends. The error is a
// *RefusedError when the appliance answered with one.
func Call(ctx context.Context, path string, r Request) (json.RawMessage, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, unreachable(err))
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	c.Write(append(line, '\n')) // if it fails, there may be an answer all the same, that says why
	var answer reply
	err = json.NewDecoder(io.LimitReader(c, maxReply)).Decode(&answer)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("admin socket %s: no answer: %w", path, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("admin socket %s: no answer: %w", path, err)
	case !answer.OK:
		return nil, &RefusedError{answer.Error}
	}
	return answer.Result, nil
}

// unreachable says what most likely is the matter.
func unreachable(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: no appliance runs with it", reason(err))
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: it is for the user that runs the appliance, and root", reason(err))
	}
	return reason(err)
}
