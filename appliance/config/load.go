package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/BurntSushi/toml"
)

// maxFile bounds the size of a file, octets: far above what any appliance needs, and little enough to keep in memory.
const maxFile = 16 << 20

// Load reads and checks the appliance's file. The error is an *Errors, or what the operating system said.
func Load(path string) (*Config, error) {
	text, err := readFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse checks the text of an appliance's file; name stands in its errors, and its folder is where relative key files are
// looked for. The error is an *Errors.
func Parse(name string, text []byte) (*Config, error) {
	return (&reader{file: name, files: folder(filepath.Dir(name))}).config(text)
}

// config reads an appliance's file.
func (r *reader) config(text []byte) (*Config, error) {
	var f fileDraft
	if raw, root, ok := r.syntax(text); ok {
		fileTable.read(r, &place{mark: root}, raw, &f)
		c := r.resolve(&f)
		if len(r.problems) == 0 {
			return c, nil
		}
	}
	f.wipe()
	return nil, newErrors(r.problems)
}

// LoadKeys reads and checks the keys of a capture. The error is an *Errors, or what the operating system said.
func LoadKeys(path string) (*KeySet, error) {
	text, err := readFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return ParseKeys(path, text)
}

// ParseKeys checks the text of a key file; name stands in its errors. The error is an *Errors.
func ParseKeys(name string, text []byte) (*KeySet, error) {
	r := &reader{file: name}
	var f keysDraft
	if raw, root, ok := r.syntax(text); ok {
		keysTable.read(r, &place{mark: root}, raw, &f)
		s := r.resolveKeys(&f)
		if len(r.problems) == 0 {
			return s, nil
		}
	}
	f.wipe()
	return nil, newErrors(r.problems)
}

// syntax parses TOML into a generic tree and the marks of its keys.
func (r *reader) syntax(text []byte) (map[string]any, *mark, bool) {
	if len(text) > maxFile {
		return r.refuseFile(0, fmt.Sprintf("%d octets", len(text)), fmt.Sprintf("at most %d", maxFile))
	}
	root, err := scanMarks(string(text))
	if err != nil {
		return r.refuseFile(0, "a file that is "+err.Error(), fmt.Sprintf("arrays and inline tables no more than %d deep", maxDepth))
	}
	raw := map[string]any{}
	if _, err := toml.Decode(string(text), &raw); err != nil {
		var at toml.ParseError
		line, message := 0, err.Error()
		if errors.As(err, &at) {
			line, message = at.Position.Line, at.Message
		}
		return r.refuseFile(line, "text that is not TOML", "TOML 1.0: "+redact(message))
	}
	return raw, root, true
}

// refuseFile records a problem with the file as a whole.
func (r *reader) refuseFile(line int, got, want string) (map[string]any, *mark, bool) {
	r.problems = append(r.problems, &Problem{File: r.file, Line: line, Got: got, Want: want})
	return nil, nil, false
}

// shortHexRun finds what may be a piece of a key that was written without quotes.
var shortHexRun = regexp.MustCompile(`[0-9A-Fa-f_]{8,}`)

// redact removes what may be key material from a message of the TOML library, which quotes the file.
func redact(message string) string { return shortHexRun.ReplaceAllString(message, "[...]") }
