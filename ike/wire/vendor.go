package wire

// Vendor is the Vendor ID payload (RFC 7296 3.12). Unfamiliar ones are ignored, and none changes what anything else means.
// Data aliases what was parsed.
type Vendor struct{ Data []byte }

// Type returns PayloadVendor.
func (Vendor) Type() PayloadType { return PayloadVendor }

// AppendBody appends the identifier.
func (v Vendor) AppendBody(b []byte) []byte { return append(b, v.Data...) }
