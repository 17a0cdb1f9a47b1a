package umlpeer

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

const (
	maxHistory = 200      // lines Transcript returns
	maxWaiting = 10_000   // lines that wait for a reader; older ones go
	maxLine    = 64 << 10 // octets of a line without end
)

// console takes the guest's output apart into lines. It never makes the guest wait. It is safe for concurrent use.
type console struct {
	mu      sync.Mutex
	partial []byte
	waiting []string
	history []string
	wake    chan struct{} // holds a token when there may be lines
}

func newConsole() *console { return &console{wake: make(chan struct{}, 1)} }

// Write implements io.Writer for the process's output.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partial = append(c.partial, p...)
	for {
		i := bytes.IndexByte(c.partial, '\n')
		if i < 0 && len(c.partial) < maxLine {
			break
		}
		if i < 0 {
			i = len(c.partial) - 1
		}
		c.add(strings.TrimRight(string(c.partial[:i+1]), "\r\n"))
		c.partial = c.partial[i+1:]
	}
	return len(p), nil
}

// add appends a whole line.
func (c *console) add(line string) {
	c.waiting = last(append(c.waiting, line), maxWaiting)
	c.history = last(append(c.history, redact(line)), maxHistory)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// last returns at most the last n lines.
func last(lines []string, n int) []string { return lines[max(len(lines)-n, 0):] }

// next returns the oldest line that waits; ok is false when there is none and done is closed, because then there will be
// no more.
func (c *console) next(done <-chan struct{}) (line string, ok bool) {
	for {
		if line, ok := c.pop(); ok {
			return line, true
		}
		select {
		case <-c.wake:
		case <-done:
			return c.pop()
		}
	}
}

func (c *console) pop() (line string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return "", false
	}
	line, c.waiting = c.waiting[0], c.waiting[1:]
	return line, true
}

// forget drops the lines that wait.
func (c *console) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = nil
}

// transcript returns the last lines, without keys.
func (c *console) transcript() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.history, "\n")
}

var keyFlag = regexp.MustCompile(`(-(?:auth)?key[ =]+)[^ "]+`)

// redact blots the keys of an "sa" command out.
func redact(line string) string { return keyFlag.ReplaceAllString(line, "${1}...") }
