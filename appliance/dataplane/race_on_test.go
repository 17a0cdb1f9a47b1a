//go:build race

package dataplane

// raceEnabled says that the detector is compiled in: it allocates on its own account.
const raceEnabled = true
