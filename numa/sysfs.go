package numa

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// FileError says that a file of /sys holds something other than what the kernel documents for it.
type FileError struct {
	Path    string // below /sys
	Content string // as read, at most 40 octets shown
	Want    string
	Err     error // what the parser said, may be nil
}

// Error names path, content and expectation.
func (e *FileError) Error() string {
	return fmt.Sprintf("/sys/%s: got %s, expected %s", e.Path, quote(e.Content), e.Want)
}

// Unwrap returns the parser's error.
func (e *FileError) Unwrap() error { return e.Err }

// sysfs reads single values. A file that is absent, or that a container hides, is no error: found is false then.
type sysfs struct{ fs.FS }

// text returns a file's content without the white space around it.
func (s sysfs) text(path string) (content string, found bool, err error) {
	b, err := fs.ReadFile(s, path)
	if absent(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("/sys/%s: %w", path, err)
	}
	return strings.TrimSpace(string(b)), true, nil
}

// number reads a decimal number that is not below least.
func (s sysfs) number(path string, least int) (n int, found bool, err error) {
	text, found, err := s.text(path)
	if !found || err != nil {
		return 0, found, err
	}
	n, err = strconv.Atoi(text)
	if err != nil || n < least {
		return 0, true, &FileError{Path: path, Content: text, Want: fmt.Sprintf("a number of at least %d", least), Err: err}
	}
	return n, true, nil
}

// cpus reads a list of CPUs or nodes.
func (s sysfs) cpus(path string) (set CPUSet, found bool, err error) {
	text, found, err := s.text(path)
	if !found || err != nil {
		return CPUSet{}, found, err
	}
	set, err = ParseCPUList(text)
	if err != nil {
		return CPUSet{}, true, &FileError{Path: path, Content: text, Want: "a list such as \"0-3,8\"", Err: err}
	}
	return set, true, nil
}

// names lists a directory in order; none when it is absent.
func (s sysfs) names(path string) ([]string, error) {
	entries, err := fs.ReadDir(s, path)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("/sys/%s: %w", path, err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}
