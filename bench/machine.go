package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine describes where a report was made.
type Machine struct {
	CPU      string   `json:"cpu"` // model as the kernel names it
	CPUs     int      `json:"cpus"`
	Features []string `json:"features"` // what back-ends of crypto/aead look for and this CPU has
	Virtual  bool     `json:"virtual"`  // a hypervisor is underneath
	Kernel   string   `json:"kernel"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"` // operating system and architecture as Go names them
}

// String is the machine in one line.
func (m Machine) String() string {
	kind := "bare metal"
	if m.Virtual {
		kind = "virtual"
	}
	return fmt.Sprintf("%s, %d CPUs (%s), %s; %s; %s %s", m.CPU, m.CPUs, kind, strings.Join(m.Features, " "), m.Kernel, m.Go, m.Platform)
}

// describeMachine asks the kernel. What it does not tell stays empty: a report without it is still a report.
func describeMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.readCPUInfo(string(text))
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}

// features are the CPU flags worth naming, as /proc/cpuinfo spells them.
var features = []string{"aes", "pclmulqdq", "avx2", "avx512f", "vaes", "vpclmulqdq", "sha_ni"}

// readCPUInfo takes model and flags of the first processor.
func (m *Machine) readCPUInfo(text string) {
	first, _, _ := strings.Cut(text, "\n\n")
	m.Features = []string{}
	for line := range strings.Lines(first) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "model name":
			m.CPU = value
		case "flags":
			flags := strings.Fields(value)
			m.Virtual = slices.Contains(flags, "hypervisor")
			for _, f := range features {
				if slices.Contains(flags, f) {
					m.Features = append(m.Features, f)
				}
			}
		}
	}
}
