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

// source is where the files are that a configuration names. Errors do not repeat the name, which the problem shows.
type source interface {
	// key reads a key, hexadecimal digits, from a file that nobody but its owner can use.
	key(name string) (Key, error)
	// secret reads a pre-shared key, text or 0x and hexadecimal digits, from such a file.
	secret(name string) (Key, error)
	// find returns the path of a file that can be read; with private, by nobody but its owner.
	find(name string, private bool) (string, error)
}

// folder is a source where relative names start at a folder.
type folder string

// path completes a relative name.
func (d folder) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(string(d), name)
}

// key reads a key.
func (d folder) key(name string) (Key, error) {
	k, err := d.private(name, func(text []byte) (Key, error) { return parseKey(string(bytes.TrimSpace(text))) })
	if errors.Is(err, errKind) {
		return Key{}, errors.New("content is not hexadecimal digits")
	}
	return k, err
}

// secret reads a pre-shared key.
func (d folder) secret(name string) (Key, error) {
	k, err := d.private(name, parseSecret)
	if errors.Is(err, errKind) {
		return Key{}, errors.New("content is empty, or 0x without hexadecimal digits behind it")
	}
	return k, err
}

// private reads what only the owner of a file can use.
func (d folder) private(name string, parse func([]byte) (Key, error)) (Key, error) {
	f, err := d.open(name, true)
	if err != nil {
		return Key{}, err
	}
	defer f.Close()
	text, err := readAll(f, maxKeyFile)
	if err != nil {
		return Key{}, err
	}
	defer clear(text)
	return parse(text)
}

// find returns the path of a file that can be read.
func (d folder) find(name string, private bool) (string, error) {
	f, err := d.open(name, private)
	if err != nil {
		return "", err
	}
	return d.path(name), f.Close()
}

// open opens a regular file; with private, one that only its owner can use. Type and mode are those of the open file, so that
// they cannot change in between.
func (d folder) open(name string, private bool) (*os.File, error) {
	f, err := open(d.path(name))
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	const others = 0o077
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file")
	case private && info.Mode().Perm()&others != 0:
		err = fmt.Errorf("mode %#o lets others use it", info.Mode().Perm())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
