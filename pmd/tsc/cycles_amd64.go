package tsc

// Cycles returns the time stamp counter, in ticks of the CPU's own length: see Clock for nanoseconds. The CPU may take the
// reading some tens of nanoseconds before earlier loads are done, so two cores can disagree by that much about what came
// first. Safe for concurrent use.
//
//go:noescape
func Cycles() uint64

// cpuid runs CPUID with sub-leaf 0.
//
//go:noescape
func cpuid(leaf uint32) (eax, edx uint32)

// invariant tells whether the counter runs at one rate in every power state: leaf 0x80000007, EDX bit 8 (Intel SDM 3A
// 18.17.1, AMD APM 3 E.4.7).
func invariant() bool {
	const highestExtended, powerManagement = 0x80000000, 0x80000007
	if highest, _ := cpuid(highestExtended); highest < powerManagement {
		return false
	}
	_, edx := cpuid(powerManagement)
	return edx&(1<<8) != 0
}
