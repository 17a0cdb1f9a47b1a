// Package kernel holds the live tests against a foreign implementation: an appliance whose outside port is the network card
// of a Linux kernel with IP-TFS, and a test host on its inside. It has no code of its own beside the tests.
//
//	test host --raw IP wire-- [ appliance ] --tap-- socket pair --- [ Linux: echo, counters, traffic of its own ]
//	   makes and checks                      records, drops,          SAs by netlink
//	   inner packets                         reorders
//
// What passes the tap is decrypted and taken apart by a decoder that shares no code with the product. It proves three
// things that delivery alone does not: that every payload we send obeys the rules of RFC 9347, that the kernel got exactly
// the packets we were given, and, where the tap drops frames, exactly which packets must be missing.
package kernel
