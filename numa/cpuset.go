package numa

import (
	"fmt"
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// MaxCPUs bounds CPU and node numbers: 0 to MaxCPUs-1. It is what sched_setaffinity takes without asking the kernel.
const MaxCPUs = 1024

// CPUSet is a set of CPU numbers, also used for node numbers. It is a value: assignment copies, == compares. The zero
// value is empty.
type CPUSet [MaxCPUs / 64]uint64

// NewCPUSet returns the set of the CPUs given. It panics on a number that is not below MaxCPUs.
func NewCPUSet(cpus ...int) (s CPUSet) {
	for _, c := range cpus {
		s.Add(c)
	}
	return s
}

// Add puts a CPU into the set. It panics on a number that is not below MaxCPUs.
func (s *CPUSet) Add(cpu int) { s[cpu/64] |= 1 << (cpu % 64) }

// Remove takes a CPU out of the set, if it is there. It panics on a number that is not below MaxCPUs.
func (s *CPUSet) Remove(cpu int) { s[cpu/64] &^= 1 << (cpu % 64) }

// Has tells whether a CPU is in the set; false for numbers no CPU can have.
func (s CPUSet) Has(cpu int) bool {
	return cpu >= 0 && cpu < MaxCPUs && s[cpu/64]>>(cpu%64)&1 == 1
}

// Len returns how many CPUs the set has.
func (s CPUSet) Len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Min returns the lowest CPU, -1 for the empty set.
func (s CPUSet) Min() int {
	for cpu := range s.All() {
		return cpu
	}
	return -1
}

// All iterates over the CPUs in ascending order.
func (s CPUSet) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// And returns the CPUs in both sets.
func (s CPUSet) And(o CPUSet) CPUSet {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

// AndNot returns the CPUs of s that are not in o.
func (s CPUSet) AndNot(o CPUSet) CPUSet {
	for i := range s {
		s[i] &^= o[i]
	}
	return s
}

// String returns the set in the kernel's list form, "0-3,8"; the empty set is "".
func (s CPUSet) String() string {
	var b strings.Builder
	for first := 0; first < MaxCPUs; first++ {
		if !s.Has(first) {
			continue
		}
		last := first
		for s.Has(last + 1) {
			last++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(first))
		if last > first {
			fmt.Fprintf(&b, "-%d", last)
		}
		first = last
	}
	return b.String()
}

// MarshalText returns the list form.
func (s CPUSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses the list form.
func (s *CPUSet) UnmarshalText(text []byte) (err error) {
	*s, err = ParseCPUList(string(text))
	return err
}

// ParseCPUList parses the list form of the kernel and of taskset: numbers and ranges, "0-3,8,10-11", in any order, white
// space around it ignored, nothing for the empty set. Strides ("0-31:2") are refused: the kernel takes them and never
// prints them.
func ParseCPUList(list string) (s CPUSet, err error) {
	list = strings.TrimSpace(list)
	if list == "" {
		return s, nil
	}
	for item := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(item, "-")
		if !isRange {
			to = from
		}
		first, ok1 := parseCPU(from)
		last, ok2 := parseCPU(to)
		if !ok1 || !ok2 || first > last {
			return CPUSet{}, fmt.Errorf("cpu list %s: got %s, expected a number below %d or a range such as \"0-3\"",
				quote(list), quote(item), MaxCPUs)
		}
		for cpu := first; cpu <= last; cpu++ {
			s.Add(cpu)
		}
	}
	return s, nil
}

// parseCPU parses a CPU number: digits only, where strconv would also take a sign.
func parseCPU(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && n < MaxCPUs
}

// quote shows at most 40 octets of text that may be anything.
func quote(text string) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(text[:most]) + "..."
	}
	return strconv.Quote(text)
}
