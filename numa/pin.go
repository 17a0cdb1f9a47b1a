package numa

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Pin binds the calling thread to one CPU. The caller must have called runtime.LockOSThread and must not unlock again:
// the runtime would hand the pinned thread to other goroutines.
func Pin(cpu int) error {
	if cpu < 0 || cpu >= MaxCPUs {
		return fmt.Errorf("pin to cpu %d: expected a number from 0 to %d", cpu, MaxCPUs-1)
	}
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin to cpu %d: sched_setaffinity: %w", cpu, err)
	}
	return nil
}

// Affinity returns the CPUs that the calling thread may use. Call it before Pin to learn what taskset, a cgroup or a
// container leaves to the program.
func Affinity() (CPUSet, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return CPUSet{}, fmt.Errorf("cpu affinity: sched_getaffinity: %w", err)
	}
	var s CPUSet
	for cpu := range MaxCPUs {
		if set.IsSet(cpu) {
			s.Add(cpu)
		}
	}
	return s, nil
}
