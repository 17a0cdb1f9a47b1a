package config

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Key is secret key material. Every way of printing it shows only its length; Bytes is the one way to read it. Copies
// share the memory, so that Wipe on one of them wipes all. It is not safe for concurrent use with Wipe.
type Key struct {
	octets []byte
}

// NewKey returns a Key that owns octets.
func NewKey(octets []byte) Key { return Key{octets} }

// Bytes returns the key itself; the caller must neither log nor keep it.
func (k Key) Bytes() []byte { return k.octets }

// Len returns the length in octets.
func (k Key) Len() int { return len(k.octets) }

// Wipe overwrites the key with zeros. The text it was read from may linger in memory: Go strings cannot be overwritten.
func (k Key) Wipe() { clear(k.octets) }

// Equal reports whether both hold the same octets, in time that depends on the lengths only.
func (k Key) Equal(o Key) bool { return subtle.ConstantTimeCompare(k.octets, o.octets) == 1 }

// String returns the length, never the key.
func (k Key) String() string { return fmt.Sprintf("[%d octets, redacted]", len(k.octets)) }

// GoString returns the length, never the key.
func (k Key) GoString() string { return k.String() }

// Format prints the length under every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText gives JSON and TOML encoders the length, never the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue gives slog the length, never the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
