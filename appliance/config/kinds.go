package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errKind says no more than the kind's own want.
var errKind = errors.New("wrong value")

// hexRun finds what may be key material.
var hexRun = regexp.MustCompile(`[0-9A-Fa-f]{32,}`)

// namePattern is what names of ports, tunnels and policies look like: they become metric labels and command arguments.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)

// isName reports whether s may name a port, tunnel or policy.
func isName(s string) bool { return namePattern.MatchString(s) && !hexRun.MatchString(s) }

// text declares strings that pass a check.
func text(want string, check func(string) bool) kind[string] {
	return kind[string]{want: want, parse: func(raw any) (string, error) {
		s, ok := raw.(string)
		if !ok || !check(s) {
			return "", errKind
		}
		return s, nil
	}}
}

// fromText declares values that are written as a string.
func fromText[V any](want string, parse func(string) (V, bool)) kind[V] {
	return kind[V]{want: want, parse: func(raw any) (v V, _ error) {
		s, ok := raw.(string)
		if !ok {
			return v, errKind
		}
		if v, ok = parse(s); !ok {
			return v, errKind
		}
		return v, nil
	}}
}

// The kinds without parameters.
var (
	nameKind = text("a name of up to 32 letters, digits, '_', '.' and '-'", isName)
	boolKind = kind[bool]{want: "true or false", parse: func(raw any) (bool, error) {
		b, ok := raw.(bool)
		if !ok {
			return false, errKind
		}
		return b, nil
	}}
	deviceKind = text(`a device such as "afpacket:eth0" or "soft:wan,end=a"`, func(s string) bool {
		driver, args, ok := strings.Cut(s, ":")
		return ok && isName(driver) && args != ""
	})
	pathKind  = text("the path of a file", func(s string) bool { return s != "" && !strings.Contains(s, "\x00") })
	algKind   = text(`the name of an algorithm such as "aes128gcm16"`, func(s string) bool { return s != "" })
	noAlgKind = text(`the name of an algorithm, or "" or "none" for none`, func(string) bool { return true })
	rateKind  = fromText(`a rate in bits per second such as "10g", "1.5m" or "500kbit"`, parseRate)
)

// integer declares whole numbers in [low, high].
func integer[V ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64](low, high int64) kind[V] {
	want := fmt.Sprintf("an integer from %d to %d", low, high)
	if high == math.MaxInt64 {
		want = fmt.Sprintf("an integer of at least %d", low)
	}
	return kind[V]{want: want, parse: func(raw any) (V, error) {
		n, ok := raw.(int64)
		if !ok || n < low || n > high {
			return 0, errKind
		}
		return V(n), nil
	}}
}

// integerOr declares whole numbers in [low, high], or a word for one more value.
func integerOr(word string, value int, low, high int64) kind[int] {
	want := fmt.Sprintf("%q or an integer from %d to %d", word, low, high)
	return kind[int]{want: want, parse: func(raw any) (int, error) {
		if raw == word {
			return value, nil
		}
		n, ok := raw.(int64)
		if !ok || n < low || n > high {
			return 0, errKind
		}
		return int(n), nil
	}}
}

// choice declares one of some words, whose positions are the values.
func choice[V ~uint8](words ...string) kind[V] {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return fromText("one of "+strings.Join(quoted, ", "), func(s string) (V, bool) {
		i := slices.Index(words, s)
		return V(max(i, 0)), i >= 0
	})
}

// duration declares times in [low, high].
func duration(low, high time.Duration) kind[time.Duration] {
	want := fmt.Sprintf(`a duration such as "10ms" or "1.5s", from %v to %v`, low, high)
	return fromText(want, func(s string) (time.Duration, bool) {
		d, err := time.ParseDuration(s)
		return d, err == nil && d >= low && d <= high
	})
}

// milliseconds declares times in [0, high], written as a number of milliseconds.
func milliseconds(high time.Duration) kind[time.Duration] {
	want := fmt.Sprintf("a number of milliseconds from 0 to %d", high.Milliseconds())
	return kind[time.Duration]{want: want, parse: func(raw any) (time.Duration, error) {
		var ms float64
		switch v := raw.(type) {
		case int64:
			ms = float64(v)
		case float64:
			ms = v
		default:
			return 0, errKind
		}
		if !(ms >= 0 && ms <= float64(high.Milliseconds())) { // also refuses nan
			return 0, errKind
		}
		return time.Duration(math.Round(ms * float64(time.Millisecond))), nil
	}}
}

// listOf declares arrays with at least one element.
func listOf[V any](element kind[V]) kind[[]V] {
	want := "an array with at least one element, each " + element.want
	return kind[[]V]{want: want, parse: func(raw any) ([]V, error) {
		list, ok := raw.([]any)
		if !ok || len(list) == 0 {
			return nil, errKind
		}
		out := make([]V, len(list))
		for i, e := range list {
			v, err := element.parse(e)
			if err != nil {
				return nil, &valueError{e, element.want}
			}
			out[i] = v
		}
		return out, nil
	}}
}

// rateUnits are the units of a rate; bits per second, decimal.
var rateUnits = []struct {
	suffix string
	digits int // power of ten
}{{"gbit", 9}, {"mbit", 6}, {"kbit", 3}, {"bit", 0}, {"g", 9}, {"m", 6}, {"k", 3}}

// maxRate is 1 Tb/s.
const maxRate = 1_000_000_000_000

// parseRate reads "10g", "1.5m", "64kbit" as bits per second, exactly. A number without unit is refused: bits, octets and
// kilobits are too easily confused.
func parseRate(s string) (uint64, bool) {
	for _, u := range rateUnits {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		whole, fraction, dot := strings.Cut(number, ".")
		if whole == "" || dot && fraction == "" || len(fraction) > u.digits || len(whole) > 13 {
			return 0, false
		}
		n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", u.digits-len(fraction)), 10, 64)
		return n, err == nil && n > 0 && n <= maxRate
	}
	return 0, false
}
