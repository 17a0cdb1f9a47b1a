package auth

import "fmt"

// maxText is the longest text of a peer's in a log line, octets (LIM-18).
const maxText = 256

// escape makes octets of a peer's safe to print: printable ASCII stays, everything else and the backslash become \xNN. It
// reads no more than maxText octets.
func escape(b []byte) string {
	text := make([]byte, 0, min(len(b), maxText))
	for _, c := range b[:min(len(b), maxText+1)] {
		if c < ' ' || c > '~' || c == '\\' {
			text = fmt.Appendf(text, "\\x%02x", c)
			continue
		}
		text = append(text, c)
	}
	return string(text)
}

// clip cuts text to maxText octets and says so.
func clip(text string) string {
	const mark = "..."
	if len(text) <= maxText {
		return text
	}
	return text[:maxText-len(mark)] + mark
}
