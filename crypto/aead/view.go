package aead

import "unsafe"

// memory turns a descriptor's address back into octets. The address is an integer because the descriptor is pointer-free, so
// the collector does not see it and the memory is the pool's to keep alive: mmap, or the Go heap under -race. There the
// pointer check that comes with -race is off for this one function: it wants an address computed from a pointer to the
// same object, which is what a pointer-free descriptor cannot have.
//
//go:nocheckptr
func memory(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), addr)), n)
}

// text is what the descriptor seals, with the capacity for an ICV of n octets behind it.
func (d *Desc) text(n int) []byte { return memory(d.Addr, int(d.Len)+n)[:d.Len] }

// sealed is the text with the ICV of n octets behind it.
func (d *Desc) sealed(n int) []byte { return memory(d.Addr, int(d.Len)+n) }
