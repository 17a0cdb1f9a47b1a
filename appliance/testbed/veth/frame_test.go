package veth

import (
	"encoding/hex"
	"strings"
)

// frame4 is an Ethernet frame with an IPv4 packet from 192.0.2.1 to 192.0.2.2; rest is in hex.
func frame4(protocol byte, fragment uint16, rest string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
	if err != nil {
		panic(err)
	}
	f := append(make([]byte, 12), 8, 0, 0x45, 0, 0, byte(20+len(b)), 0, 0, byte(fragment>>8), byte(fragment), 64, protocol, 0, 0,
		192, 0, 2, 1, 192, 0, 2, 2)
	return append(f, b...)
}
