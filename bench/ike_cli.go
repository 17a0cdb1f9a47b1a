package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// ikeVerb is the verb "ike".
func ikeVerb(e *env, args []string) (err error) {
	o, asJSON, profile, err := e.ikeFlags(args)
	if err != nil {
		return err
	}
	if profile != "" {
		f, e := os.Create(profile)
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.Profile = f
	}
	report := IKEReport{Command: e.command, Machine: describeMachine()}
	if report.Rows, err = IKE(o); err != nil {
		return err
	}
	if asJSON {
		return report.WriteJSON(e.stdout)
	}
	return report.WriteTable(e.stdout)
}

// maxDuration bounds -duration.
const maxDuration = time.Hour

// ikeFlags reads the arguments.
func (e *env) ikeFlags(args []string) (o IKEOptions, asJSON bool, profile string, err error) {
	o = DefaultIKEOptions()
	o.Progress = e.stderr
	flags := flag.NewFlagSet("ike", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
	flags.DurationVar(&o.Duration, "duration", o.Duration, "CPU time of all rounds")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds")
	flags.IntVar(&o.Tunnels, "tunnels", o.Tunnels, "tunnels whose memory is measured")
	flags.StringVar(&profile, "profile", "", "file for a CPU profile")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		usage(e.stdout)
		return o, false, "", err
	case err != nil:
		return o, false, "", &usageError{err.Error()}
	case flags.NArg() > 0:
		return o, false, "", &usageError{fmt.Sprintf("argument %q, expected none", flags.Arg(0))}
	case o.Duration <= 0 || o.Duration > maxDuration:
		return o, false, "", &usageError{fmt.Sprintf("-duration %v, expected more than 0 and at most %v", o.Duration, maxDuration)}
	case o.Rounds < 1 || o.Rounds > MaxRounds:
		return o, false, "", &usageError{fmt.Sprintf("-rounds %d, expected 1 to %d", o.Rounds, MaxRounds)}
	case o.Tunnels < 1 || o.Tunnels > MaxTunnels:
		return o, false, "", &usageError{fmt.Sprintf("-tunnels %d, expected 1 to %d", o.Tunnels, MaxTunnels)}
	}
	return o, asJSON, profile, nil
}
