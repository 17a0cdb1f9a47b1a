package mgmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Request is one command of an operator. A value.
type Request struct {
	Verb  string `json:"verb"`
	What  string `json:"what,omitempty"`  // show: one of Tables
	Name  string `json:"name,omitempty"`  // initiate, terminate, rekey: the connection
	Child string `json:"child,omitempty"` // initiate: one child of it; empty: all
	Part  string `json:"part,omitempty"`  // rekey: PartIKE or PartChild; empty: both
	// TimeoutMS is how long initiate, terminate and rekey wait for the outcome; 0: they do not.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
}

// The verbs.
const (
	VerbShow      = "show"
	VerbInitiate  = "initiate"
	VerbTerminate = "terminate"
	VerbRekey     = "rekey"
)

// What a rekey may be restricted to.
const (
	PartIKE   = "ike"
	PartChild = "child"
)

// MaxTimeout bounds Request.TimeoutMS: longer than any negotiation takes to fail.
const MaxTimeout = 5 * time.Minute

// maxRequest bounds the line of a request, octets.
const maxRequest = 64 << 10

// verb is what a request has and how it is answered.
type verb struct {
	name   string
	fields []string // that may be set, those that must be first
	needs  int
	answer answerFunc
}

// parseRequest reads one line and finds its verb. Every error is the operator's.
func parseRequest(line []byte) (r Request, v *verb, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err = d.Decode(&r); err != nil {
		return r, nil, fmt.Errorf("request: %w", err)
	}
	if _, err = d.Token(); !errors.Is(err, io.EOF) {
		return r, nil, errors.New("request: more than one JSON value on a line")
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == r.Verb })
	if i < 0 {
		return r, nil, fmt.Errorf("verb %s: expected one of %s", quote(r.Verb), verbNames())
	}
	return r, &verbs[i], r.check(&verbs[i])
}

// check tells what a request lacks, what does not belong to its verb, and what is out of range.
func (r *Request) check(v *verb) error {
	set := map[string]bool{
		"what": r.What != "", "name": r.Name != "", "child": r.Child != "", "part": r.Part != "", "timeout_ms": r.TimeoutMS != 0,
	}
	for _, f := range v.fields[:v.needs] {
		if !set[f] {
			return fmt.Errorf("%s: %q is missing", v.name, f)
		}
		delete(set, f)
	}
	for _, f := range v.fields[v.needs:] {
		delete(set, f)
	}
	for f, is := range set {
		if is {
			return fmt.Errorf("%s: %q does not belong to this verb", v.name, f)
		}
	}
	switch {
	case r.Part != "" && r.Part != PartIKE && r.Part != PartChild:
		return fmt.Errorf("part %s: expected %q or %q", quote(r.Part), PartIKE, PartChild)
	case r.TimeoutMS < 0 || r.TimeoutMS > MaxTimeout.Milliseconds():
		return fmt.Errorf("timeout_ms %d: expected 0 to %d", r.TimeoutMS, MaxTimeout.Milliseconds())
	}
	return nil
}

// timeout is how long to wait for the outcome; 0: not at all.
func (r *Request) timeout() time.Duration { return time.Duration(r.TimeoutMS) * time.Millisecond }

func verbNames() string {
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return strings.Join(names, ", ")
}

// maxQuoted is how much of a request an error repeats, octets.
const maxQuoted = 64

func quote(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%q...", s[:maxQuoted])
	}
	return fmt.Sprintf("%q", s)
}
