package kat

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// columns is how many fields a vector's line has: id, verdict, key, nonce, aad, text, sealed, tag.
const columns = 8

// parse reads vectors in the form of testdata: "[primitive origin]" opens a section, every other line is one vector, and
// "#" opens a comment. It accepts nothing that is not exactly that.
func parse(text string) (vs list, err error) {
	var section Vector
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section, err = parseSection(line)
		case section.Primitive == "":
			err = errors.New("vector before the first section")
		default:
			v := section
			if err = v.parse(strings.Split(line, " ")); err == nil {
				vs = append(vs, v)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return vs, nil
}

// parseSection returns what the vectors of a section have in common; ID holds the origin.
func parseSection(line string) (Vector, error) {
	inner, closed := strings.CutSuffix(line[1:], "]")
	name, origin, spaced := strings.Cut(inner, " ")
	if !closed || !spaced || origin == "" {
		return Vector{}, fmt.Errorf("section %q, want [primitive origin]", line)
	}
	p := Primitive(name)
	if HashOf(p) == 0 && p != AESGCM && p != ChaCha20Poly1305 && p != AESGMAC && p != AESCBC {
		return Vector{}, fmt.Errorf("unknown primitive %q", name)
	}
	return Vector{Primitive: p, ID: origin}, nil
}

// parse fills v, which comes with the section's part, from the fields of one line.
func (v *Vector) parse(fields []string) (err error) {
	if len(fields) != columns {
		return fmt.Errorf("%d fields, want %d", len(fields), columns)
	}
	v.ID += "#" + fields[0]
	switch fields[1] {
	case "valid":
		v.Valid = true
	case "invalid":
	default:
		return fmt.Errorf("verdict %q, want valid or invalid", fields[1])
	}
	for i, to := range []*[]byte{&v.Key, &v.Nonce, &v.AAD, &v.Text, &v.Sealed, &v.Tag} {
		if *to, err = octets(fields[2+i]); err != nil {
			return err
		}
	}
	return nil
}

// octets decodes one field; "-" is no octets.
func octets(field string) ([]byte, error) {
	if field == "-" {
		return nil, nil
	}
	if field == "" {
		return nil, fmt.Errorf("empty field, want %q", "-")
	}
	b, err := hex.DecodeString(field)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", field, err)
	}
	return b, nil
}
