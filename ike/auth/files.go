package auth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Sizes of files in octets, so that a wrong path does not fill the memory.
const (
	maxCertFile = 4 << 20
	maxCRLFile  = 64 << 20
	maxKeyFile  = 64 << 10
)

// readBlocks reads the DER of every PEM block of one of the types, or the whole file where it holds no PEM.
func readBlocks(file string, limit int64, types ...string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := readLimited(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var list [][]byte
	rest, found := content, false
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found = true
		if slices.Contains(types, block.Type) {
			list = append(list, block.Bytes)
		}
	}
	if !found && len(content) > 0 && content[0] == derSequence {
		list = [][]byte{content}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no %s in it, want PEM or DER", file, strings.ToLower(types[0]))
	}
	return list, nil
}

// derSequence is the first octet of every certificate, list and key in DER.
const derSequence = 0x30

// readLimited reads all of a file that is not too long.
func readLimited(f *os.File, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, fmt.Errorf("longer than %d octets", limit)
	}
	return content, err
}

// readKeyFile reads a private key from a file that only its owner may use. No error shows any of its content.
func readKeyFile(file string) (crypto.Signer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const others = 0o077
	if mode := info.Mode().Perm(); mode&others != 0 {
		return nil, fmt.Errorf("%s: mode %#o lets others use the private key, want 0600", file, mode)
	}
	content, err := readLimited(f, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer clear(content)
	key, err := parseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// errKeyForm does not wrap what the parsers say, because that is about the content.
var errKeyForm = errors.New("no private key in PKCS #8, PKCS #1 or SEC 1, PEM or DER")

// parseKey finds the private key among the PEM blocks, or takes all of it as DER.
func parseKey(content []byte) (crypto.Signer, error) {
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		return parseKeyDER(content)
	}
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errKeyForm
		}
		if strings.HasPrefix(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("private key is encrypted, want it plain: there is nobody to ask for a passphrase")
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			defer clear(block.Bytes)
			return parseKeyDER(block.Bytes)
		}
	}
}

// parseKeyDER tries the three encodings.
func parseKeyDER(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("private key of type %T cannot sign", key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errKeyForm
}
