package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
	"unicode"

	"stillwater/appliance/mgmt"
)

// defaultSocket is where an appliance listens whose configuration does not say.
const defaultSocket = "/run/stillwater.sock"

// answerTime is how long an appliance may take for an answer, on top of what it was asked to wait.
const answerTime = 15 * time.Second

// socketFlag is the flag of every verb that speaks to a running appliance.
func socketFlag(f *flag.FlagSet) *string {
	return f.String("s", defaultSocket, "admin `SOCKET` of the appliance")
}

// parseMixed is parse for verbs whose flags may stand behind their operands, too. It returns the operands.
func parseMixed(f *flag.FlagSet, args []string, operands int) (out []string, err error) {
	for {
		if err := parse(f, args, len(args)); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return out, nil
		}
		if len(out) == operands {
			return nil, &usageError{fmt.Sprintf("unexpected argument %q", f.Arg(0))}
		}
		out, args = append(out, f.Arg(0)), f.Args()[1:]
	}
}

// ask sends a request to a running appliance. An interrupt ends the wait, not what was begun.
func ask(socket string, r mgmt.Request) (json.RawMessage, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.TimeoutMS)*time.Millisecond+answerTime)
	defer cancel()
	raw, err := mgmt.Call(ctx, socket, r)
	if refused := (*mgmt.RefusedError)(nil); errors.As(err, &refused) {
		err = errors.New(printable(refused.Text))
	}
	return raw, err
}

// printable escapes what a terminal could take for a command: control characters, and those that turn the direction of
// writing. Peers choose some of the text that is printed.
func printable(s string) string {
	return escape(s, func(b *strings.Builder, r rune) { fmt.Fprintf(b, `\u%04x`, r) })
}

// printableJSON does so in JSON, where such a character can only be part of a string.
func printableJSON(raw json.RawMessage) string {
	return escape(string(raw), func(b *strings.Builder, r rune) {
		if r > 0xffff { // JSON has UTF-16 escapes only (RFC 8259 7)
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x`, 0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		fmt.Fprintf(b, `\u%04x`, r)
	})
}

func escape(s string, write func(b *strings.Builder, r rune)) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			write(&b, r)
		}
	}
	return b.String()
}
