//go:build !race

package wire_test

// raceEnabled says that the detector is compiled in: it allocates on its own account.
const raceEnabled = false
