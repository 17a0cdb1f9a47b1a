package config

import (
	"errors"
	"strconv"
	"strings"
)

// maxDepth bounds how deep arrays and inline tables nest, because both this scanner and the TOML parser recurse.
const maxDepth = 32

// errDepth reports a file that nests deeper than maxDepth.
var errDepth = errors.New("nested too deep")

// mark is where a key, table or array element stands in the file. The TOML library knows lines only for syntax errors, so
// the marks come from a scanner of our own. It relies on the library to refuse what is not TOML: on such a file the marks
// mean nothing.
type mark struct {
	line  int
	order int // rises through the file; keys on one line differ
	keys  map[string]*mark
	items []*mark // elements of an array, or the tables of an array of tables
}

// marker scans TOML text.
type marker struct {
	text        string
	at          int
	line, order int
	depth       int
}

// scanMarks returns the mark of the root table.
func scanMarks(text string) (*mark, error) {
	s := &marker{text: strings.TrimPrefix(text, "\ufeff"), line: 1}
	root := s.newMark()
	table := root
	for s.skipBlank(); s.at < len(s.text); s.skipBlank() {
		start := s.at
		if s.text[s.at] == '[' {
			table = s.header(root)
		} else if err := s.keyValue(table); err != nil {
			return nil, err
		}
		if s.at == start { // not TOML: go on, so that the loop ends
			s.at++
		}
	}
	return root, nil
}

// newMark returns a mark for here.
func (s *marker) newMark() *mark {
	s.order++
	return &mark{line: s.line, order: s.order}
}

// child returns the mark of a key of m, made here if it is new.
func (s *marker) child(m *mark, key string) *mark {
	if c := m.keys[key]; c != nil {
		return c
	}
	if m.keys == nil {
		m.keys = map[string]*mark{}
	}
	c := s.newMark()
	m.keys[key] = c
	return c
}

// item appends an element to m.
func (s *marker) item(m *mark) *mark {
	c := s.newMark()
	m.items = append(m.items, c)
	return c
}

// latest returns where the keys under m belong: in an array of tables, its last table.
func (m *mark) latest() *mark {
	if n := len(m.items); n > 0 {
		return m.items[n-1]
	}
	return m
}

// header reads [a.b] or [[a.b]] and returns the mark of the table.
func (s *marker) header(root *mark) *mark {
	array := strings.HasPrefix(s.text[s.at:], "[[")
	s.at++
	if array {
		s.at++
	}
	m := root
	for key := range s.dotted {
		m = s.child(m.latest(), key)
	}
	for s.at < len(s.text) && s.text[s.at] == ']' {
		s.at++
	}
	if array {
		return s.item(m)
	}
	if m = m.latest(); m.keys == nil {
		m.line = s.line
	}
	return m
}

// keyValue reads one key = value.
func (s *marker) keyValue(table *mark) error {
	m := table
	for key := range s.dotted {
		m = s.child(m, key)
	}
	if s.at < len(s.text) && s.text[s.at] == '=' {
		s.at++
	}
	return s.value(m)
}

// dotted yields the parts of a dotted key.
func (s *marker) dotted(yield func(string) bool) {
	for {
		s.skipSpace()
		if !yield(s.key()) {
			return
		}
		s.skipSpace()
		if s.at >= len(s.text) || s.text[s.at] != '.' {
			return
		}
		s.at++
	}
}

// key reads one part of a key, bare or quoted.
func (s *marker) key() string {
	start := s.at
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		s.quoted(s.text[s.at : s.at+1])
		raw := s.text[start:s.at]
		if unquoted, err := strconv.Unquote(raw); err == nil {
			return unquoted
		}
		return strings.Trim(raw, `'"`)
	}
	for s.at < len(s.text) && !strings.ContainsRune(".=] \t\r\n#\"'", rune(s.text[s.at])) {
		s.at++
	}
	return s.text[start:s.at]
}

// value skips a value and marks what is inside it.
func (s *marker) value(m *mark) error {
	s.skipSpace()
	if s.at >= len(s.text) {
		return nil
	}
	rest := s.text[s.at:]
	switch {
	case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, `'''`):
		s.quoted(rest[:3])
	case rest[0] == '"', rest[0] == '\'':
		s.quoted(rest[:1])
	case rest[0] == '[':
		return s.group(']', func() error { return s.value(s.item(m)) })
	case rest[0] == '{':
		return s.group('}', func() error { return s.keyValue(m) })
	default:
		for s.at < len(s.text) && !strings.ContainsRune(",]}\n#", rune(s.text[s.at])) {
			s.at++
		}
	}
	return nil
}

// group reads the elements between brackets.
func (s *marker) group(end byte, element func() error) error {
	if s.depth++; s.depth > maxDepth {
		return errDepth
	}
	s.at++
	for s.skipBlank(); s.at < len(s.text) && s.text[s.at] != end; s.skipBlank() {
		start := s.at
		if s.text[s.at] == ',' {
			s.at++
			continue
		}
		if err := element(); err != nil {
			return err
		}
		if s.at == start { // not TOML
			s.at++
		}
	}
	s.at++
	s.depth--
	return nil
}

// quoted skips a string that begins and ends with delim. In basic strings a backslash hides the next octet; a multi-line
// string may end in up to five quotes.
func (s *marker) quoted(delim string) {
	for s.at += len(delim); s.at < len(s.text); s.at++ {
		switch {
		case s.text[s.at] == '\\' && delim[0] == '"':
			s.at++
			if s.at < len(s.text) && s.text[s.at] == '\n' {
				s.line++
			}
		case strings.HasPrefix(s.text[s.at:], delim):
			s.at += len(delim)
			for len(delim) == 3 && s.at < len(s.text) && s.text[s.at] == delim[0] {
				s.at++
			}
			return
		case s.text[s.at] == '\n':
			s.line++
			if len(delim) == 1 {
				return
			}
		}
	}
	s.at = min(s.at, len(s.text))
}

// skipSpace skips blanks within a line.
func (s *marker) skipSpace() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r", s.text[s.at]) >= 0 {
		s.at++
	}
}

// skipBlank skips blanks, line ends and comments.
func (s *marker) skipBlank() {
	for s.skipSpace(); s.at < len(s.text); s.skipSpace() {
		switch s.text[s.at] {
		case '\n':
			s.line++
			s.at++
		case '#':
			for s.at < len(s.text) && s.text[s.at] != '\n' {
				s.at++
			}
		default:
			return
		}
	}
}
