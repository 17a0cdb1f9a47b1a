//go:build race

package prf

// raceEnabled says that the detector is compiled in: it allocates on its own account.
const raceEnabled = true
