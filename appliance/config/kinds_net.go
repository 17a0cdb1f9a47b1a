package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The kinds of addresses. IPv4 in IPv6 and zones are refused everywhere: the same host would have two names.
var (
	addrKind   = fromText(`an IPv4 or IPv6 address such as "192.0.2.1"`, parseAddr)
	ownKind    = fromText(`an own address with its prefix length such as "192.0.2.1/24"`, parseOwn)
	prefixKind = fromText(`a prefix without host bits such as "10.1.0.0/16"`, parsePrefix)
	rangeKind  = fromText(`a prefix "10.1.0.0/16", an address, or a range "10.1.0.5-10.1.0.9"`, parseRange)
	viaKind    = fromText(`the address of a next hop, or "" for an on-link route`, parseVia)
	anyKind    = fromText(`an IPv4 or IPv6 address such as "192.0.2.1", or "" for any`, parseVia)
	macKind    = fromText(`the link address of one host such as "52:54:00:00:00:02"`, parseMAC)
)

// plain reports whether a is an address we take.
func plain(a netip.Addr) bool { return a.Zone() == "" && !a.Is4In6() }

// parseAddr reads the address of one host.
func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && plain(a) && !a.IsUnspecified() && !a.IsMulticast()
}

// parseVia reads a next hop; no text is none.
func parseVia(s string) (netip.Addr, bool) {
	if s == "" {
		return netip.Addr{}, true
	}
	return parseAddr(s)
}

// parseOwn reads a host address with the length of its prefix.
func parseOwn(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	a := p.Addr()
	return p, err == nil && plain(a) && !a.IsUnspecified() && !a.IsMulticast() && p.Bits() > 0
}

// parsePrefix reads a prefix whose host bits are zero.
func parsePrefix(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	return p, err == nil && plain(p.Addr()) && p == p.Masked()
}

// parseRange reads a prefix, an address, or a range.
func parseRange(s string) (AddrRange, bool) {
	if p, ok := parsePrefix(s); ok {
		return AddrRange{p.Addr(), lastOf(p)}, true
	}
	low, high, isRange := strings.Cut(s, "-")
	first, err := netip.ParseAddr(low)
	if err != nil || !plain(first) {
		return AddrRange{}, false
	}
	if !isRange {
		return AddrRange{first, first}, true
	}
	last, err := netip.ParseAddr(high)
	ok := err == nil && plain(last) && first.Is4() == last.Is4() && !last.Less(first)
	return AddrRange{first, last}, ok
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// parseMAC reads a unicast 48-bit address.
func parseMAC(s string) (m MAC, ok bool) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != len(m) {
		return m, false
	}
	copy(m[:], hw)
	const group = 1
	return m, m[0]&group == 0 && m != MAC{}
}

// protocolNumbers are the names of protocols.
var protocolNumbers = map[string]int{
	"any": AnyProtocol, "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51,
	"icmpv6": 58, "ospf": 89, "sctp": 132, "udplite": 136,
}

// protocolKind reads a next layer protocol.
var protocolKind = kind[int]{
	want: `"any", a protocol name such as "tcp", or a number from 1 to 255`,
	parse: func(raw any) (int, error) {
		switch v := raw.(type) {
		case string:
			if n, ok := protocolNumbers[v]; ok {
				return n, nil
			}
		case int64:
			if v >= 1 && v <= 255 {
				return int(v), nil
			}
		}
		return 0, errKind
	},
}

// portsKind reads a port selector.
var portsKind = kind[Ports]{
	want: `"any", "opaque", a port "80", a range "1000-2000", or an array of these`,
	parse: func(raw any) (p Ports, _ error) {
		words, ok := strs(raw)
		if !ok || len(words) > 1 && slices.Contains(words, "any") {
			return p, errKind
		}
		for _, w := range words {
			switch r, ok := parsePorts(w); {
			case w == "any":
			case w == "opaque":
				p.Opaque = true
			case ok:
				p.Ranges = append(p.Ranges, r)
			default:
				return p, errKind
			}
		}
		return p, nil
	},
}

// strs returns a string, or an array of at least one, as a list.
func strs(raw any) ([]string, bool) {
	if s, ok := raw.(string); ok {
		return []string{s}, true
	}
	list, ok := raw.([]any)
	if !ok || len(list) == 0 {
		return nil, false
	}
	out := make([]string, len(list))
	for i := range list {
		if out[i], ok = list[i].(string); !ok {
			return nil, false
		}
	}
	return out, true
}

// parsePorts reads "80" or "1000-2000".
func parsePorts(s string) (PortRange, bool) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	first, err1 := strconv.ParseUint(low, 10, 16)
	last, err2 := strconv.ParseUint(high, 10, 16)
	return PortRange{uint16(first), uint16(last)}, err1 == nil && err2 == nil && first <= last
}

// icmpKind reads ICMP types and codes as 16-bit ranges (RFC 4301 4.4.1.1).
var icmpKind = kind[[]PortRange]{
	want: `"any", a type "8", a type and code "3/4", a range "3/0-3/15", or an array of these`,
	parse: func(raw any) (out []PortRange, _ error) {
		words, ok := strs(raw)
		if !ok || len(words) > 1 && slices.Contains(words, "any") {
			return nil, errKind
		}
		for _, w := range words {
			switch r, ok := parseICMP(w); {
			case w == "any":
			case ok:
				out = append(out, r)
			default:
				return nil, errKind
			}
		}
		return out, nil
	},
}

// parseICMP reads one range of types and codes; a type without code is all of its codes.
func parseICMP(s string) (PortRange, bool) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	first, ok1 := parseTypeCode(low, 0)
	last, ok2 := parseTypeCode(high, 255)
	return PortRange{first, last}, ok1 && ok2 && first <= last
}

// parseTypeCode reads "8" or "3/4".
func parseTypeCode(s string, anyCode uint16) (uint16, bool) {
	t, c, hasCode := strings.Cut(s, "/")
	kind, err := strconv.ParseUint(t, 10, 8)
	if err != nil || !hasCode {
		return uint16(kind)<<8 | anyCode, err == nil
	}
	code, err := strconv.ParseUint(c, 10, 8)
	return uint16(kind)<<8 | uint16(code), err == nil
}

// tfcKind reads tfc_padding.
var tfcKind = fromText(fmt.Sprintf(`"off", "mtu", or "bucket:N" with N from %d to %d`, minBucket, maxPacket),
	func(s string) (TFC, bool) {
		if n, ok := strings.CutPrefix(s, "bucket:"); ok {
			size, err := strconv.Atoi(n)
			return TFC{TFCBucket, size}, err == nil && size >= minBucket && size <= maxPacket
		}
		i := slices.Index(tfcWords[:TFCBucket], s)
		return TFC{Kind: TFCKind(max(i, 0))}, i >= 0
	})
