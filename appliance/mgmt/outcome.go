package mgmt

import "slices"

// childrenOf is the children of a configured connection.
func childrenOf(configured []Configured, name string) []string {
	for _, c := range configured {
		if c.Name == name {
			return c.Children
		}
	}
	return nil
}

// allUp reports whether there is a Child SA that is up for each name.
func allUp(sas []IKESA, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(sas, func(s IKESA) bool {
			return slices.ContainsFunc(s.Children, func(c ChildSA) bool { return c.Up && c.Name == name })
		})
	})
}

// noneOf reports whether no IKE SA of before is left. The initiator's SPI names it: the other one may have been unknown.
func noneOf(sas, before []IKESA) bool {
	return !slices.ContainsFunc(before, func(old IKESA) bool { return find(sas, old.SPIi) != nil })
}

// find is the IKE SA with an initiator's SPI, nil where it is gone.
func find(sas []IKESA, spi IKESPI) *IKESA {
	for i := range sas {
		if sas[i].SPIi == spi {
			return &sas[i]
		}
	}
	return nil
}

// rekeyed is the IKE SA that a rekey of the connection is about: the youngest that was up. nil: there was none.
func rekeyed(before []IKESA) *IKESA {
	for i := len(before) - 1; i >= 0; i-- {
		if before[i].Up {
			return &before[i]
		}
	}
	return nil
}

// ikeReplaced reports whether another IKE SA is up in the place of the one that was to be rekeyed.
func ikeReplaced(before, sas []IKESA) bool {
	old := rekeyed(before)
	if old == nil {
		return false
	}
	if s := find(sas, old.SPIi); s != nil && s.Up {
		return false
	}
	return slices.ContainsFunc(sas, func(s IKESA) bool { return s.Up && find(before, s.SPIi) == nil })
}

// childrenReplaced reports whether, for each Child SA that was to be rekeyed, one of the same name has taken over. They may
// belong to another IKE SA by then.
func childrenReplaced(before, sas []IKESA) bool {
	old := rekeyed(before)
	if old == nil {
		return false
	}
	known, up := map[SPI]bool{}, map[SPI]bool{}
	for _, s := range before {
		for _, c := range s.Children {
			known[c.SPIIn] = true
		}
	}
	fresh := map[string]bool{}
	for _, s := range sas {
		for _, c := range s.Children {
			up[c.SPIIn] = c.Up
			fresh[c.Name] = fresh[c.Name] || c.Up && !known[c.SPIIn]
		}
	}
	return !slices.ContainsFunc(old.Children, func(c ChildSA) bool { return c.Up && (up[c.SPIIn] || !fresh[c.Name]) })
}
