package wire

import "encoding/binary"

// The configuration attributes (RFC 7296 3.15.1, RFC 8598, RFC 9464).
const (
	CPInternalIP4Address  uint16 = 1
	CPInternalIP4Netmask  uint16 = 2
	CPInternalIP4DNS      uint16 = 3
	CPInternalIP4NBNS     uint16 = 4
	CPInternalIP4DHCP     uint16 = 6
	CPApplicationVersion  uint16 = 7
	CPInternalIP6Address  uint16 = 8
	CPInternalIP6DNS      uint16 = 10
	CPInternalIP6DHCP     uint16 = 12
	CPInternalIP4Subnet   uint16 = 13
	CPSupportedAttributes uint16 = 14
	CPInternalIP6Subnet   uint16 = 15
	CPInternalDNSDomain   uint16 = 25
	CPInternalDNSSECTA    uint16 = 26
	CPEncDNSIP4           uint16 = 27
	CPEncDNSIP6           uint16 = 28
	CPEncDNSDigestInfo    uint16 = 29
)

// cpReserved is the bit before the type, ignored on receipt.
const cpReserved = 0x8000

// cpFixedLen is the length in octets of the attributes that have one; all of them may be empty as well, as they are in a
// request (RFC 7296 3.15.1).
var cpFixedLen = [...]int{
	CPInternalIP4Address: 4, CPInternalIP4Netmask: 4, CPInternalIP4DNS: 4, CPInternalIP4NBNS: 4, CPInternalIP4DHCP: 4,
	CPInternalIP6Address: 17, CPInternalIP6DNS: 16, CPInternalIP6DHCP: 16, CPInternalIP4Subnet: 8, CPInternalIP6Subnet: 17,
}

// CPAttribute is one attribute of a CP payload. Value aliases what was parsed.
type CPAttribute struct {
	Type  uint16
	Value []byte
	// Bad: the value's length is not one of its type. The attribute is ignored like an unknown one, because a failure of
	// configuration leaves the IKE SA alone (RFC 7296 3.15.4).
	Bad bool
}

// parseCPAttribute reads the attribute at the start of b and returns its length.
func parseCPAttribute(b []byte) (CPAttribute, int, *Error) {
	if len(b) < 4 {
		return CPAttribute{}, 0, syntax(0, "expected an attribute of 4 octets or more", len(b))
	}
	n := 4 + int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b) {
		return CPAttribute{}, 0, syntax(2, "expected an attribute that ends in the payload", n-4)
	}
	a := CPAttribute{Type: binary.BigEndian.Uint16(b) &^ cpReserved, Value: octets(b[4:n])}
	a.Bad = !a.fits()
	return a, n, nil
}

// fits reports whether the length of the value is one of the attribute's.
func (a *CPAttribute) fits() bool {
	if a.Type == CPSupportedAttributes {
		return len(a.Value)%2 == 0
	}
	if int(a.Type) >= len(cpFixedLen) || cpFixedLen[a.Type] == 0 || len(a.Value) == 0 {
		return true
	}
	return len(a.Value) == cpFixedLen[a.Type]
}
