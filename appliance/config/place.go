package config

import (
	"fmt"
	"maps"
)

// place is one table of the file while it is read: where it stands, what errors call it, and which of its keys were
// refused, so that no later rule complains about them again.
type place struct {
	mark   *mark
	path   string // "tunnel.wan"; empty for the root
	broken map[string]bool
}

// key returns the full name of a key of the table.
func (p *place) key(name string) string {
	if p.path == "" {
		return name
	}
	return p.path + "." + name
}

// line returns the line of a key, or of the table where the key is not in the file.
func (p *place) line(name string) int {
	if m := p.mark.keys[name]; m != nil {
		return m.line
	}
	return p.mark.line
}

// has reports whether the file sets the key.
func (p *place) has(name string) bool { return p.mark.keys[name] != nil }

// ok reports whether none of the keys was refused.
func (p *place) ok(names ...string) bool {
	for _, n := range names {
		if p.broken[n] {
			return false
		}
	}
	return true
}

// sound reports whether no key of the table was refused.
func (p *place) sound() bool { return len(p.broken) == 0 }

// reader collects the problems of one file.
type reader struct {
	file     string
	files    source
	problems []*Problem
	warnings []string
}

// refuse records a problem with a key of a table.
func (r *reader) refuse(at *place, name, got, want string) {
	at.breaks(name)
	r.problems = append(r.problems, &Problem{File: r.file, Line: at.line(name), Key: at.key(name), Got: got, Want: want})
}

// warn records what is allowed but hardly meant, in the words of a problem.
func (r *reader) warn(at *place, name, got string) {
	r.warnings = append(r.warnings, fmt.Sprintf("%s:%d: key %q: %s", r.file, at.line(name), at.key(name), got))
}

// breaks notes that a key was refused.
func (p *place) breaks(name string) {
	if p.broken == nil {
		p.broken = map[string]bool{}
	}
	p.broken[name] = true
}

// refuseUnknown records a key that the table does not have.
func (r *reader) refuseUnknown(at *place, name string, valid map[string]bool) {
	at.breaks(name)
	shown := name
	if hexRun.MatchString(name) {
		shown = "[...]" // a key in the place of a key
	}
	r.problems = append(r.problems, &Problem{
		File: r.file, Line: at.line(name), Key: at.key(shown),
		Got: "an unknown key", Want: "only keys that stillwater check -keys lists", Nearest: nearest(name, maps.Keys(valid)),
	})
}
