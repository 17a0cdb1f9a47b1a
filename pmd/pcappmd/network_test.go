package pcappmd

import (
	"bytes"
	"testing"
)

func TestNetworkLayer(t *testing.T) {
	addresses, ip := make([]byte, 12), []byte{0x45, 1, 2, 3}
	frame := func(types ...byte) []byte { return append(append(bytes.Clone(addresses), types...), ip...) }
	for name, c := range map[string]struct {
		frame []byte
		link  LinkType
		want  []byte
	}{
		"raw":            {ip, LinkRaw, ip},
		"IPv4":           {frame(8, 0), LinkEthernet, ip},
		"IPv6":           {frame(0x86, 0xdd), LinkEthernet, ip},
		"one tag":        {frame(0x81, 0, 0, 7, 8, 0), LinkEthernet, ip},
		"two tags":       {frame(0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 0x86, 0xdd), LinkEthernet, ip},
		"ARP":            {frame(8, 6), LinkEthernet, nil},
		"tagged ARP":     {frame(0x81, 0, 0, 7, 8, 6), LinkEthernet, nil},
		"cut tag":        {frame(0x81, 0)[:15], LinkEthernet, nil},
		"cut type":       {addresses, LinkEthernet, nil},
		"nothing at all": {nil, LinkEthernet, nil},
	} {
		if got := NetworkLayer(c.frame, c.link); !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: got % x, expected % x", name, got, c.want)
		}
	}
}
