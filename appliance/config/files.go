package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// maxKeyFile bounds a file with one key, octets.
const maxKeyFile = 4096

// open opens a file for reading; a named pipe does not make it wait.
func open(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) }

// readFile reads a regular file of bounded size.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit)
}

// readAll reads an open regular file of bounded size.
func readAll(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.Name())
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		clear(text)
		return nil, fmt.Errorf("%s has more than %d octets", f.Name(), limit)
	}
	return text, nil
}

// keyFileIn returns a function that reads a key from a file that nobody but its owner can read. A relative path starts
// at dir. The mode is that of the open file, so that it cannot change in between.
func keyFileIn(dir string) func(path string) (Key, error) {
	return func(path string) (Key, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		f, err := open(path)
		if err != nil {
			return Key{}, errors.Unwrap(err) // without the path, which the problem names
		}
		defer f.Close()
		return readKey(f)
	}
}

// readKey reads hexadecimal digits from an open file.
func readKey(f *os.File) (Key, error) {
	info, err := f.Stat()
	if err != nil {
		return Key{}, err
	}
	const others = 0o077
	if mode := info.Mode().Perm(); mode&others != 0 {
		return Key{}, fmt.Errorf("mode %#o lets others use it", mode)
	}
	text, err := readAll(f, maxKeyFile)
	if err != nil {
		return Key{}, err
	}
	defer clear(text)
	k, err := parseKey(string(bytes.TrimSpace(text)))
	if err != nil {
		return Key{}, errors.New("content is not hexadecimal digits")
	}
	return k, nil
}
