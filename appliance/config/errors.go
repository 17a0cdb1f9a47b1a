package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxProblems is how many problems an Errors lists; the rest is counted.
const MaxProblems = 20

// Problem is one thing that is wrong with a file.
type Problem struct {
	File    string
	Line    int    // counted from 1; 0: the file as a whole
	Key     string // "tunnel.wan.sa[2].spi_in"; elements without a name are counted from 1. Empty: not about one key
	Got     string // what the file says, ready to print; never key material
	Want    string // what was expected
	Nearest string // for an unknown key: the valid key closest to it, where one is close
}

// Error returns the problem as one line.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		fmt.Fprintf(&b, "key %q: ", p.Key)
	}
	fmt.Fprintf(&b, "got %s, expected %s", p.Got, p.Want)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; nearest valid key: %q", p.Nearest)
	}
	return b.String()
}

// Errors is everything that is wrong with a file, in the order of its lines.
type Errors struct {
	Problems []*Problem // at most MaxProblems
	Omitted  int        // further problems
}

// Error returns one line per problem.
func (e *Errors) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	if e.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more problems", e.Problems[0].File, e.Omitted))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As each *Problem.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = p
	}
	return out
}

// newErrors sorts and bounds a list of problems; nil when there are none.
func newErrors(list []*Problem) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	kept := list[:min(len(list), MaxProblems)]
	return &Errors{Problems: kept, Omitted: len(list) - len(kept)}
}
