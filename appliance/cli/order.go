package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"time"

	"stillwater/appliance/mgmt"
)

// order is the flags of the verbs that change something.
type order struct {
	socket  *string
	timeout *time.Duration
	noWait  *bool
}

func orderFlags(f *flag.FlagSet) order {
	return order{
		socketFlag(f), f.Duration("timeout", 10*time.Second, "how long to wait for the outcome"),
		f.Bool("no-wait", false, "do not wait for the outcome"),
	}
}

// initiate brings up a connection, or one child of it.
func initiate(e *env, args []string) error {
	f := e.flags("initiate")
	o := orderFlags(f)
	name, err := oneName(f, args)
	if err != nil {
		return err
	}
	connection, child, both := strings.Cut(name, "/")
	if both && child == "" {
		return &usageError{fmt.Sprintf("%q names no child after the slash", name)}
	}
	return o.give(e, name, "up", mgmt.Request{Verb: mgmt.VerbInitiate, Name: connection, Child: child})
}

// terminate deletes the IKE SAs of a connection.
func terminate(e *env, args []string) error {
	f := e.flags("terminate")
	o := orderFlags(f)
	name, err := oneName(f, args)
	if err != nil {
		return err
	}
	return o.give(e, name, "down", mgmt.Request{Verb: mgmt.VerbTerminate, Name: name})
}

// rekey replaces the IKE SA of a connection, its Child SAs, or both.
func rekey(e *env, args []string) error {
	f := e.flags("rekey")
	o := orderFlags(f)
	ike := f.Bool("ike", false, "replace the IKE SA only")
	child := f.Bool("child", false, "replace the Child SAs only")
	name, err := oneName(f, args)
	if err != nil {
		return err
	}
	r := mgmt.Request{Verb: mgmt.VerbRekey, Name: name}
	switch {
	case *ike && !*child:
		r.Part = mgmt.PartIKE
	case *child && !*ike:
		r.Part = mgmt.PartChild
	}
	return o.give(e, name, "rekeyed", r)
}

// oneName reads the one operand of an order.
func oneName(f *flag.FlagSet, args []string) (string, error) {
	names, err := parseMixed(f, args, 1)
	if err != nil {
		return "", err
	}
	if len(names) == 0 || names[0] == "" {
		return "", &usageError{"name a connection"}
	}
	return names[0], nil
}

// give sends an order and prints what came of it; done is the word for success.
func (o *order) give(e *env, name, done string, r mgmt.Request) error {
	if *o.timeout < time.Millisecond || *o.timeout > mgmt.MaxTimeout {
		return &usageError{fmt.Sprintf("-timeout %v, expected %v to %v", *o.timeout, time.Millisecond, mgmt.MaxTimeout)}
	}
	if !*o.noWait {
		r.TimeoutMS = o.timeout.Milliseconds()
	}
	raw, err := ask(*o.socket, r)
	if err != nil {
		return err
	}
	var out mgmt.Outcome
	if err := json.Unmarshal(raw, &out); err != nil {
		return fmt.Errorf("answer of the appliance: %w", err)
	}
	if !out.Done {
		done = "begun, outcome not awaited"
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s\n", printable(name), done)
	for _, s := range out.SAs {
		for _, c := range s.Children {
			if c.Up && err == nil {
				_, err = fmt.Fprintf(e.stdout, "  %s/%s: SPI %v in, %v out, %s, lcore %d\n", printable(s.Connection), printable(c.Name), c.SPIIn, c.SPIOut, printable(c.Suite), c.Lcore)
			}
		}
	}
	return err
}
