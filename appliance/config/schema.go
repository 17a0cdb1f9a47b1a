package config

import (
	"fmt"
	"slices"
)

// table is the schema of one TOML table that is read into a T.
type table[T any] struct {
	rows  []row[T]
	place func(*T, *place)                       // stores where the value came from
	label func(raw map[string]any, n int) string // what errors call the nth element of an array of this table
}

// row is the schema of one key.
type row[T any] struct {
	key      string
	value    string // how values are written, for the reference
	def      any    // TOML value used when the key is absent; nil: none
	required bool
	help     string
	read     func(r *reader, at *place, dst *T, raw any)
	absent   func(r *reader, at *place, dst *T) // for tables: their own defaults
	doc      func(parent string) []KeyDoc       // for tables: their own keys
}

// kind is how the values of a key are written.
type kind[V any] struct {
	want   string // completes "expected", and is the reference
	secret bool   // values are never shown
	parse  func(raw any) (V, error)
}

// valueError is a better description of what is wrong than the whole value and the kind's want.
type valueError struct {
	raw  any
	want string
}

// Error names what was expected.
func (e *valueError) Error() string { return "expected " + e.want }

// must marks a key that has no default and may not be absent.
type must struct{}

// key declares a key whose value is read by k into a field. def is its TOML value when absent, must{} or nil.
func key[T, V any](name string, k kind[V], def any, help string, field func(*T) *V) row[T] {
	out := row[T]{key: name, value: k.want, def: def, help: help}
	if _, out.required = def.(must); out.required {
		out.def = nil
	}
	out.read = func(r *reader, at *place, dst *T, raw any) {
		v, err := k.parse(raw)
		if err == nil {
			*field(dst) = v
			return
		}
		want := k.want
		if e, ok := err.(*valueError); ok {
			raw, want = e.raw, e.want
		}
		r.refuse(at, name, describe(raw, k.secret), want)
	}
	return out
}

// lift makes rows of a part into rows of the whole, so that tables can have keys in common. The rows are of keys, not of tables.
func lift[T, S any](rows []row[S], part func(*T) *S) []row[T] {
	out := make([]row[T], len(rows))
	for i, of := range rows {
		out[i] = row[T]{key: of.key, value: of.value, def: of.def, required: of.required, help: of.help}
		out[i].read = func(r *reader, at *place, dst *T, raw any) { of.read(r, at, part(dst), raw) }
	}
	return out
}

// one declares a [table].
func one[T, S any](name string, t *table[S], help string, field func(*T) *S) row[T] {
	read := func(r *reader, at *place, dst *T, raw any) {
		m, ok := raw.(map[string]any)
		if !ok {
			r.refuse(at, name, describe(raw, false), "a table, ["+name+"]")
			m = map[string]any{} // the rules of other tables find its defaults
		}
		t.read(r, &place{mark: at.child(name), path: at.key(name)}, m, field(dst))
	}
	return row[T]{
		key: name, value: "a table", help: help, read: read,
		absent: func(r *reader, at *place, dst *T) { read(r, at, dst, map[string]any{}) },
		doc:    func(parent string) []KeyDoc { return t.docs(parent+name, "[%s]") },
	}
}

// many declares an [[array of tables]].
func many[T, S any](name string, t *table[S], required bool, help string, field func(*T) *[]S) row[T] {
	read := func(r *reader, at *place, dst *T, raw any) {
		elements, ok := tables(raw)
		if !ok {
			r.refuse(at, name, describe(raw, false), "an array of tables, [["+name+"]]")
			return
		}
		if required && len(elements) == 0 {
			r.refuse(at, name, "an empty array", "at least one table: "+help)
		}
		out := make([]S, len(elements))
		for i, m := range elements {
			t.read(r, &place{mark: at.element(name, i), path: at.key(name) + t.label(m, i)}, m, &out[i])
		}
		*field(dst) = out
	}
	return row[T]{
		key: name, value: "an array of tables", required: required, help: help, read: read,
		doc: func(parent string) []KeyDoc { return t.docs(parent+name, "[[%s]]") },
	}
}

// tables returns the elements of an array of tables, written either way.
func tables(raw any) ([]map[string]any, bool) {
	switch v := raw.(type) {
	case []map[string]any:
		return v, true
	case []any:
		out := make([]map[string]any, len(v))
		for i := range v {
			m, ok := v[i].(map[string]any)
			if !ok {
				return nil, false
			}
			out[i] = m
		}
		return out, true
	}
	return nil, false
}

// read fills dst from raw: each key of the schema, or its default, then the keys that are not in the schema.
func (t *table[T]) read(r *reader, at *place, raw map[string]any, dst *T) {
	if t.place != nil {
		t.place(dst, at)
	}
	valid := map[string]bool{}
	for i := range t.rows {
		row := &t.rows[i]
		valid[row.key] = true
		switch v, ok := raw[row.key]; {
		case ok:
			row.read(r, at, dst, v)
		case row.required:
			r.refuse(at, row.key, "no value", fmt.Sprintf("this key, it is required: %s", row.help))
		case row.absent != nil:
			row.absent(r, at, dst)
		case row.def != nil:
			row.read(r, at, dst, row.def)
		}
	}
	for name := range raw {
		if !valid[name] {
			r.refuseUnknown(at, name, valid)
		}
	}
}

// byName labels an element by its name, if that is a name, else by its number.
func byName(raw map[string]any, n int) string {
	if s, ok := raw["name"].(string); ok && isName(s) {
		return "." + s
	}
	return byNumber(raw, n)
}

// byNumber labels an element by its number.
func byNumber(_ map[string]any, n int) string { return fmt.Sprintf("[%d]", n+1) }

// describe says what the file holds, in words that never repeat key material: long runs of hexadecimal digits are taken
// for keys in the wrong place.
func describe(raw any, secret bool) string {
	switch v := raw.(type) {
	case string:
		if secret || hexRun.MatchString(v) {
			return fmt.Sprintf("a string of %d characters", len(v))
		}
		if len(v) > 60 {
			return fmt.Sprintf("%q and %d more characters", v[:60], len(v)-60)
		}
		return fmt.Sprintf("%q", v)
	case int64:
		if secret {
			return "an integer"
		}
		return fmt.Sprintf("%d", v)
	case float64:
		if secret {
			return "a number"
		}
		return fmt.Sprintf("%v", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case []any, []map[string]any:
		return "an array"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// child returns the mark of a table under at, or at's own where it is absent.
func (p *place) child(name string) *mark {
	if m := p.mark.keys[name]; m != nil {
		return m
	}
	return &mark{line: p.mark.line, order: p.mark.order}
}

// element returns the mark of the ith element of an array.
func (p *place) element(name string, i int) *mark {
	m := p.child(name)
	if i < len(m.items) {
		return m.items[i]
	}
	return m
}

// KeyDoc is one line of the reference.
type KeyDoc struct {
	Table    string // "[system]", "[[tunnel.sa]]"; empty for the top level
	Key      string
	Value    string // how values are written
	Default  string // in TOML; empty: none
	Required bool
	Help     string
}

// docs lists the keys of a table, and then those of the tables in it. header is how TOML writes the table's name.
func (t *table[T]) docs(path, header string) (out []KeyDoc) {
	name, prefix := "", ""
	if path != "" {
		name, prefix = fmt.Sprintf(header, path), path+"."
	}
	var below []KeyDoc
	for _, r := range t.rows {
		d := KeyDoc{Table: name, Key: r.key, Value: r.value, Required: r.required, Help: r.help}
		if r.def != nil {
			d.Default = fmt.Sprintf("%#v", r.def) // strings, integers and booleans look alike in Go and TOML
		}
		out = append(out, d)
		if r.doc != nil {
			below = append(below, r.doc(prefix)...)
		}
	}
	return slices.Concat(out, below)
}
