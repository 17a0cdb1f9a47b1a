// Package cli is the program's verbs. Main is what every build of the program calls after it has registered its drivers by
// blank import.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"stillwater/pmd"
)

// Exit statuses of Main.
const (
	exitOK     = 0
	exitFailed = 1 // the work was done and its verdict is bad, or it could not be done
	exitUsage  = 2 // the call makes no sense
)

// verb is one command of the program.
type verb struct {
	name, args, help string
	run              func(e *env, args []string) error
}

// env is where a verb reads and writes.
type env struct {
	stdout, stderr io.Writer
}

var verbs []verb

func init() { // a table that help itself reads cannot be a plain initialiser
	verbs = []verb{
		{"check", "FILE", "read a configuration and report everything wrong with it", check},
		{"run", "-c FILE", "run the appliance in the foreground until SIGTERM, then drain", run},
		{"show", "TABLE [-json]", "sas, connections, failures, ports, lcores or drops of a running appliance", show},
		{"initiate", "NAME[/CHILD]", "bring up a connection of a running appliance, or one child of it", initiate},
		{"terminate", "NAME", "delete the IKE SAs of a connection", terminate},
		{"rekey", "NAME [-ike|-child]", "replace the IKE SA of a connection, its Child SAs, or both", rekey},
		{"demo", "[flags]", "two appliances in one process, traffic both ways, a verdict", demo},
		{"pcap", "decap|encap [flags]", "open or make ESP and IP-TFS captures offline, with keys", pcap},
		{"drivers", "", "the port drivers this program has, with their device strings", drivers},
		{"help", "[VERB]", "this text, or the flags of a verb", help},
	}
}

// usageError is an error in how the program was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// errVerdict ends a verb whose result is bad and has been printed already.
var errVerdict = errors.New("verdict: failed")

// Main runs the verb that args name and returns the exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	e := &env{stdout, stderr}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	name := args[0]
	if name == "-h" || name == "-help" || name == "--help" {
		name = "help"
	}
	for _, v := range verbs {
		if v.name == name {
			return e.status(v.name, v.run(e, args[1:]))
		}
	}
	fmt.Fprintf(stderr, "stillwater: no verb %q; the verbs are %s\n", name, verbNames())
	return exitUsage
}

// status prints an error once and turns it into an exit status.
func (e *env) status(verb string, err error) int {
	var u *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errVerdict):
		return exitFailed
	case errors.As(err, &u):
		fmt.Fprintf(e.stderr, "stillwater %s: %v\nTry: stillwater help %s\n", verb, err, verb)
		return exitUsage
	}
	fmt.Fprintf(e.stderr, "stillwater %s: %v\n", verb, err)
	return exitFailed
}

func verbNames() string {
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return strings.Join(names, ", ")
}

func usage(w io.Writer) {
	fmt.Fprint(w, "stillwater: a poll-mode IPsec appliance with constant-rate IP-TFS\n\nusage: stillwater VERB ...\n\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-28s %s\n", v.name+" "+v.args, v.help)
	}
}

func help(e *env, args []string) error {
	f := e.flags("help")
	if err := parse(f, args, 1); err != nil {
		return err
	}
	if f.NArg() == 0 {
		usage(e.stdout)
		return nil
	}
	for _, v := range verbs {
		if v.name == f.Arg(0) {
			fmt.Fprintf(e.stdout, "usage: stillwater %s %s\n%s\n", v.name, v.args, v.help)
			return v.run(&env{e.stdout, e.stdout}, []string{"-h"})
		}
	}
	return &usageError{fmt.Sprintf("no verb %q; the verbs are %s", f.Arg(0), verbNames())}
}

func drivers(e *env, args []string) error {
	if err := parse(e.flags("drivers"), args, 0); err != nil {
		return err
	}
	names, lines := pmd.Drivers()
	for _, n := range names {
		fmt.Fprintf(e.stdout, "%s:\n    %s:%s\n", n, n, lines[n])
	}
	return nil
}

// flags returns a flag set that reports errors instead of ending the process.
func (e *env) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("stillwater "+name, flag.ContinueOnError)
	f.SetOutput(e.stderr)
	return f
}

// parse reads args; what is left over is an error unless operands allows that many.
func parse(f *flag.FlagSet, args []string, operands int) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err.Error()}
	}
	if f.NArg() > operands {
		return &usageError{fmt.Sprintf("unexpected argument %q", f.Arg(operands))}
	}
	return nil
}

// Run is Main for a command's main function.
func Run() { os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr)) }
