package aead

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"
)

// bare hides SetIV, as a release of the library that does not have it would.
type bare struct{ cipher.BlockMode }

// TestSettable: with and without the library's SetIV, several packets in a row come out like fresh modes.
func TestSettable(t *testing.T) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	r := random(t)
	for name, renew := range map[string]func(cipher.Block, []byte) cipher.BlockMode{
		"encrypt": cipher.NewCBCEncrypter,
		"decrypt": cipher.NewCBCDecrypter,
	} {
		first := renew(block, make([]byte, aes.BlockSize))
		if _, ok := settable(first, block, renew).(*renewed); ok {
			t.Errorf("%s: the library's mode has no SetIV any more: CBC allocates once per packet", name)
		}
		for _, mode := range []ivMode{settable(first, block, renew), settable(bare{first}, block, renew)} {
			for range 10 {
				iv, text := octets(r, aes.BlockSize), octets(r, 3*aes.BlockSize)
				want := bytes.Clone(text)
				renew(block, iv).CryptBlocks(want, want)
				mode.SetIV(iv)
				if mode.CryptBlocks(text, text); !bytes.Equal(text, want) {
					t.Errorf("%s by %T: not what a new mode gives", name, mode)
				}
			}
		}
	}
}
