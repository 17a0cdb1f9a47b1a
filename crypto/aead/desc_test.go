package aead

import (
	"testing"
	"unsafe"
)

// TestDescLayout pins the layout that Go assembly and C read.
func TestDescLayout(t *testing.T) {
	var d Desc
	for _, f := range []struct {
		name       string
		have, want uintptr
	}{
		{"size", unsafe.Sizeof(d), 64},
		{"Addr", unsafe.Offsetof(d.Addr), 0},
		{"Len", unsafe.Offsetof(d.Len), 8},
		{"Slot", unsafe.Offsetof(d.Slot), 12},
		{"Nonce", unsafe.Offsetof(d.Nonce), 16},
		{"AAD", unsafe.Offsetof(d.AAD), 32},
		{"AADLen", unsafe.Offsetof(d.AADLen), 48},
		{"Status", unsafe.Offsetof(d.Status), 49},
	} {
		if f.have != f.want {
			t.Errorf("%s is %d, want %d", f.name, f.have, f.want)
		}
	}
}
