package appliance

import (
	"net/netip"
	"testing"

	"stillwater/ike/wire"
)

// TestSelectorText writes selectors as operators know them from strongSwan.
func TestSelectorText(t *testing.T) {
	for _, c := range []struct {
		first, last string
		protocol    uint8
		start, end  uint16
		want        string
	}{
		{"10.1.0.0", "10.1.255.255", 0, 0, 0xffff, "10.1.0.0/16"},
		{"10.1.0.7", "10.1.0.7", 0, 0, 0xffff, "10.1.0.7"},
		{"10.1.0.1", "10.1.0.6", 0, 0, 0xffff, "10.1.0.1-10.1.0.6"},
		{"10.1.0.0", "10.1.0.6", 0, 0, 0xffff, "10.1.0.0-10.1.0.6"},
		{"10.1.0.1", "10.1.0.7", 0, 0, 0xffff, "10.1.0.1-10.1.0.7"},
		{"0.0.0.0", "255.255.255.255", 0, 0, 0xffff, "0.0.0.0/0"},
		{"128.0.0.0", "255.255.255.255", 0, 0, 0xffff, "128.0.0.0/1"},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 0, 0xffff, "::/0"},
		{"2001:db8::", "2001:db8::ffff", 0, 0, 0xffff, "2001:db8::/112"},
		{"10.1.0.7", "10.1.0.7", 6, 0, 0xffff, "10.1.0.7[tcp]"},
		{"10.1.0.7", "10.1.0.7", 6, 80, 80, "10.1.0.7[tcp/80]"},
		{"10.1.0.7", "10.1.0.7", 17, 1000, 2000, "10.1.0.7[udp/1000-2000]"},
		{"10.1.0.7", "10.1.0.7", 47, 0, 0xffff, "10.1.0.7[47]"},
		{"10.1.0.7", "10.1.0.7", 17, 0xffff, 0, "10.1.0.7[udp/opaque]"},
		{"10.1.0.7", "10.1.0.7", 1, 8 << 8, 8<<8 | 255, "10.1.0.7[icmp/8(0)-8(255)]"},
		{"2001:db8::7", "2001:db8::7", 58, 1<<8 | 4, 1<<8 | 4, "2001:db8::7[icmpv6/1(4)]"},
	} {
		s := wire.Selector{Protocol: c.protocol, StartPort: c.start, EndPort: c.end, First: netip.MustParseAddr(c.first), Last: netip.MustParseAddr(c.last)}
		if got := selectorText(&s); got != c.want {
			t.Errorf("got %s, expected %s", got, c.want)
		}
	}
}
