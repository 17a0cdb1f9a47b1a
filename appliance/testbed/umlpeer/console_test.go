package umlpeer

import (
	"fmt"
	"strings"
	"testing"
)

// closed is the done channel of a process that has ended.
func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Lines come out whole however the output was cut, without the terminal's carriage returns.
func TestConsoleLines(t *testing.T) {
	c := newConsole()
	for _, part := range []string{"one\r\ntw", "o\nthr", "ee", "\n\nrest without end"} {
		if n, err := c.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write(%q): %d, %v", part, n, err)
		}
	}
	for _, want := range []string{"one", "two", "three", ""} {
		if got, ok := c.next(nil); !ok || got != want {
			t.Errorf("line %q %v, expected %q", got, ok, want)
		}
	}
	if got, ok := c.next(closed()); ok {
		t.Errorf("line %q behind the end", got)
	}
}

// What was printed before the end is still read after it.
func TestConsoleDrainsAfterTheEnd(t *testing.T) {
	c := newConsole()
	fmt.Fprint(c, "a\nb\n")
	for _, want := range []string{"a", "b"} {
		if got, ok := c.next(closed()); !ok || got != want {
			t.Errorf("line %q %v, expected %q", got, ok, want)
		}
	}
}

func TestConsoleWakesItsReader(t *testing.T) {
	c, got := newConsole(), make(chan string)
	go func() {
		for range 100 {
			line, _ := c.next(nil)
			got <- line
		}
	}()
	for i := range 100 {
		fmt.Fprintf(c, "%d\n", i)
		if line := <-got; line != fmt.Sprint(i) {
			t.Fatalf("line %q, expected %d", line, i)
		}
	}
}

// A guest that prints without end costs bounded memory, lines or not.
func TestConsoleIsBounded(t *testing.T) {
	c := newConsole()
	fmt.Fprint(c, strings.Repeat("x\n", 3*maxWaiting))
	fmt.Fprint(c, strings.Repeat("y", 3*maxLine))
	if len(c.waiting) > maxWaiting || len(c.history) > maxHistory || len(c.partial) > maxLine {
		t.Errorf("%d waiting, %d in history, %d octets open", len(c.waiting), len(c.history), len(c.partial))
	}
	c.forget()
	if line, ok := c.next(closed()); ok {
		t.Errorf("line %.20q after forget", line)
	}
}

func TestRedact(t *testing.T) {
	for line, want := range map[string]string{
		"sa -key 0102 -dir in":                         "sa -key ... -dir in",
		"sa -alg cbc-sha256 -key=01 -authkey 02":       "sa -alg cbc-sha256 -key=... -authkey ...",
		`SCRIPT ERROR "sa -src x -key 0102": bad text`: `SCRIPT ERROR "sa -src x -key ...": bad text`,
		"READY": "READY",
	} {
		if got := redact(line); got != want {
			t.Errorf("%q became %q, expected %q", line, got, want)
		}
	}
}
