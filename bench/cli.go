package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Exit statuses of Main. A missed aim is a result and not a failure: reports say what was measured.
const (
	exitOK     = 0
	exitFailed = 1 // the measurement could not be made, or packets came back wrong
	exitUsage  = 2 // the call makes no sense
)

// verb is one command of the program.
type verb struct {
	name, args, help string
	run              func(e *env, args []string) error
}

// env is where a verb writes, and what it was called with.
type env struct {
	stdout, stderr io.Writer
	command        string
}

var verbs []verb

func init() { // a table that help itself reads cannot be a plain initialiser
	verbs = []verb{
		{"core", "[-json] [-rounds N] [-sizes N,N,...]", "what a packet costs in each part of the core, side by side", core},
		{"ike", "[-json] [-duration D] [-rounds N] [-tunnels N] [-profile FILE]", "what IKEv2 set-ups cost a responder, and the memory of tunnels", ikeVerb},
		{"help", "", "this text", help},
	}
}

// usageError is an error in how the program was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Main runs the verb that args name and returns the exit status. Results go to stdout, progress and errors to stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	e := &env{stdout, stderr, strings.Join(append([]string{"swbench"}, args...), " ")}
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
	fmt.Fprintf(stderr, "swbench: no verb %q; try: swbench help\n", args[0])
	return exitUsage
}

// status prints an error once and turns it into an exit status.
func (e *env) status(name string, err error) int {
	var u *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &u):
		fmt.Fprintf(e.stderr, "swbench %s: %v\nTry: swbench help\n", name, err)
		return exitUsage
	}
	fmt.Fprintf(e.stderr, "swbench %s: %v\n", name, err)
	return exitFailed
}

func help(e *env, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Sprintf("argument %q, expected none", args[0])}
	}
	usage(e.stdout)
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "swbench measures what packets and tunnels cost, in CPU time of one thread.\n\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "  swbench %s\n      %s\n", strings.TrimSpace(v.name+" "+v.args), v.help)
	}
	i := DefaultIKEOptions()
	fmt.Fprintf(w, "\nDefaults of ike: %v of CPU time in %d rounds, %d tunnels. In a profile the responder's samples have the labels end=responder and measure.\n",
		i.Duration, i.Rounds, i.Tunnels)
	o := DefaultOptions()
	fmt.Fprintf(w, "\nDefaults of core: %d rounds, sizes %s. It measures, out and back:\n", o.Rounds, joinSizes(o.Sizes))
	for _, s := range scenarios {
		fmt.Fprintf(w, "  %-15s %s\n", s.name, s.help)
	}
}

// core is the verb of that name.
func core(e *env, args []string) error {
	o := DefaultOptions()
	o.Progress = e.stderr
	flags := flag.NewFlagSet("core", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "print one JSON object")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds of each size")
	sizes := flags.String("sizes", joinSizes(o.Sizes), "octets of inner packets, separated by commas")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		usage(e.stdout)
		return err
	case err != nil:
		return &usageError{err.Error()}
	case flags.NArg() > 0:
		return &usageError{fmt.Sprintf("argument %q, expected none", flags.Arg(0))}
	case o.Rounds < 1 || o.Rounds > MaxRounds:
		return &usageError{fmt.Sprintf("-rounds %d, expected 1 to %d", o.Rounds, MaxRounds)}
	}
	var err error
	if o.Sizes, err = parseSizes(*sizes); err != nil {
		return err
	}
	report := Report{Command: e.command, Machine: describeMachine()}
	if report.Rows, err = Core(o); err != nil {
		return err
	}
	if *asJSON {
		return report.WriteJSON(e.stdout)
	}
	return report.WriteTable(e.stdout)
}

// parseSizes reads a list of packet sizes.
func parseSizes(list string) (sizes []int, err error) {
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < MinSize || n > MaxSize {
			return nil, &usageError{fmt.Sprintf("-sizes %q: size %q, expected %d to %d octets", list, s, MinSize, MaxSize)}
		}
		if slices.Contains(sizes, n) {
			return nil, &usageError{fmt.Sprintf("-sizes %q: %d is there twice", list, n)}
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

func joinSizes(sizes []int) string {
	var list []string
	for _, n := range sizes {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ",")
}
