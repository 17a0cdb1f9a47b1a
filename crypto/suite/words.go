package suite

import (
	"slices"
	"strings"
)

// row is a row of a table that a word of a proposal names.
type row interface {
	comparable
	label() string
}

func (e Encr) label() string  { return e.Name }
func (i Integ) label() string { return i.Name }
func (p PRF) label() string   { return p.Name }
func (k KE) label() string    { return k.Name }
func (n sn) label() string    { return n.name }

// labels are the names of rows, in their order.
func labels[T row](rows []T) []string {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.label()
	}
	return names
}

// words is what the proposals of one protocol are made of.
type words struct {
	protocol string
	encrs    []Encr
	integs   []Integ
	prfs     []PRF
	kes      []KE
	sns      []sn
	refused  func(name string) string // why a known algorithm is not among them; empty for an unknown one
}

// IKE SAs always have a key exchange (RFC 7296 2.18), so NONE is for ESP alone.
var (
	ikeWords = words{"IKE", ikeEncrs, integs[:], prfs[:], kes[1:], nil, refusedForIKE}
	espWords = words{"ESP", encrs[:], integs[:], nil, kes[:], sns[:], refusedForESP}
)

// names is every word, in the order of the tables.
func (w *words) names() []string {
	return slices.Concat(labels(w.encrs), labels(w.integs), labels(w.prfs), labels(w.kes), labels(w.sns))
}

// read sorts the words of a proposal by transform type. The error is a *NameError or a *ProposalError.
func (w *words) read(s string) (draft, error) {
	var d draft
	for word := range strings.SplitSeq(s, "-") {
		name := canonicalWord(word)
		found, twice := w.add(&d, name)
		switch {
		case twice:
			return draft{}, &ProposalError{w.protocol, s, "\"" + name + "\" is named twice"}
		case !found:
			valid := w.names()
			return draft{}, &NameError{Table: w.protocol + " proposal", Name: word, Reason: w.refused(name),
				Nearest: nearest(word, valid), Valid: valid}
		}
	}
	return d, nil
}

// canonicalWord is the name in the tables that a word of a proposal stands for. "none" names a key exchange here, not an
// integrity algorithm.
func canonicalWord(word string) string {
	if to, ok := proposalAliases[word]; ok {
		return to
	}
	if word == "none" {
		return word
	}
	return canonical(word)
}

// add enters a name with the alternatives of its type. It reports whether there is such a name and whether it was there
// already.
func (w *words) add(d *draft, name string) (found, twice bool) {
	for _, try := range [...]func() (bool, bool){
		func() (bool, bool) { return enter(&d.encr, w.encrs, name) },
		func() (bool, bool) { return enter(&d.integ, w.integs, name) },
		func() (bool, bool) { return enter(&d.prf, w.prfs, name) },
		func() (bool, bool) { return enter(&d.ke, w.kes, name) },
		func() (bool, bool) { return enter(&d.sn, w.sns, name) },
	} {
		if found, twice = try(); found {
			return found, twice
		}
	}
	return false, false
}

// enter appends the row of that name to list.
func enter[T row](list *[]T, rows []T, name string) (found, twice bool) {
	i := slices.IndexFunc(rows, func(r T) bool { return r.label() == name })
	if i < 0 {
		return false, false
	}
	if slices.Contains(*list, rows[i]) {
		return true, true
	}
	*list = append(*list, rows[i])
	return true, false
}

// draft is a proposal as it was written.
type draft struct {
	encr  []Encr
	integ []Integ
	prf   []PRF
	ke    []KE
	sn    []sn
}

// namePRFs names the PRFs after the integrity algorithms where none is named. Beside an AEAD that is all that an
// integrity algorithm can have meant.
func (d *draft) namePRFs() {
	if len(d.prf) > 0 {
		return
	}
	for _, i := range d.integ {
		enter(&d.prf, prfs[:], "prf"+i.Name)
	}
	if len(d.encr) > 0 && !slices.ContainsFunc(d.encr, needsInteg) {
		d.integ = nil
	}
}

func needsInteg(e Encr) bool { return !e.Kind.SelfAuth() }

// fault says what is wrong with the encryption and integrity algorithms, the two that a proposal of either protocol has;
// empty where nothing is.
func (d *draft) fault() string {
	selfAuth := slices.DeleteFunc(slices.Clone(d.encr), needsInteg)
	switch {
	case len(d.encr) == 0:
		return "no encryption algorithm"
	case len(selfAuth) > 0 && len(selfAuth) < len(d.encr):
		// RFC 5282 8: they cannot share a proposal, because only one kind goes with an integrity transform.
		return "\"" + selfAuth[0].Name + "\" authenticates by itself and other ciphers here do not: write two proposals"
	case len(selfAuth) > 0 && len(d.integ) > 0:
		return (&PairError{Encr: selfAuth[0].Name, Integ: d.integ[0].Name}).Error()
	case len(selfAuth) == 0 && len(d.integ) == 0:
		return (&PairError{Encr: d.encr[0].Name}).Error()
	}
	return ""
}
