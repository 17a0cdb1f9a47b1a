package suite

import (
	"fmt"
	"strings"
)

// NameError reports a name that is in neither table. Immutable value.
type NameError struct {
	Table   string   // "encryption" or "integrity"
	Name    string   // what was given
	Reason  string   // why a known algorithm is not offered; empty for an unknown name
	Nearest string   // the valid name closest to Name
	Valid   []string // every valid name, aliases not counted
}

// Error names the algorithm, the nearest valid name and all valid names.
func (e *NameError) Error() string {
	verdict := "unknown"
	if e.Reason != "" {
		verdict = "not supported (" + e.Reason + ")"
	}
	return fmt.Sprintf("%s algorithm %q is %s; nearest valid name is %q, all are %s",
		e.Table, e.Name, verdict, e.Nearest, strings.Join(e.Valid, ", "))
}

// PairError reports two valid names that do not form a suite. Immutable value.
type PairError struct {
	Encr  string // encryption algorithm
	Integ string // integrity algorithm; empty where none was given
}

// Error says which of the two must change.
func (e *PairError) Error() string {
	if e.Integ == "" {
		return fmt.Sprintf("encryption algorithm %q does not authenticate: want an integrity algorithm, one of %s",
			e.Encr, strings.Join(integNames(), ", "))
	}
	return fmt.Sprintf("encryption algorithm %q authenticates by itself: want no integrity algorithm, have %q", e.Encr, e.Integ)
}

// ParseESP is the suite that two configured names stand for. Names are lower case, as strongSwan spells them; integ is
// "" or "none" where the encryption authenticates by itself. The error is a *NameError or a *PairError.
func ParseESP(encr, integ string) (ESP, error) {
	e, ok := findEncr(canonical(encr))
	if !ok {
		return ESP{}, unknown("encryption", encr, encrNames())
	}
	i, ok := findInteg(canonical(integ))
	if !ok {
		return ESP{}, unknown("integrity", integ, integNames())
	}
	s, ok := FromTransforms(e.ID, e.KeyBits, i.ID)
	if !ok {
		return ESP{}, &PairError{Encr: e.Name, Integ: i.Name}
	}
	return s, nil
}

func canonical(name string) string {
	if to, ok := aliases[name]; ok {
		return to
	}
	return name
}

func findEncr(name string) (Encr, bool) {
	for _, e := range encrs {
		if e.Name == name {
			return e, true
		}
	}
	return Encr{}, false
}

// findInteg takes no name for NONE.
func findInteg(name string) (Integ, bool) {
	if name == "" {
		return Integ{}, true
	}
	for _, i := range integs {
		if i.Name == name {
			return i, true
		}
	}
	return Integ{}, false
}

func encrNames() (names []string) {
	for _, e := range encrs {
		names = append(names, e.Name)
	}
	return names
}

func integNames() (names []string) {
	for _, i := range integs {
		names = append(names, i.Name)
	}
	return names
}

func unknown(table, name string, valid []string) error {
	return &NameError{Table: table, Name: name, Reason: refused(name), Nearest: nearest(name, valid), Valid: valid}
}
