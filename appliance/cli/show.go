package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"stillwater/appliance/mgmt"
)

// views prints each result of "show" as tables.
var views = map[string]func(raw json.RawMessage, w io.Writer) error{
	"sas": view(printSAs), "connections": view(printConnections), "failures": view(printFailures),
	"ports": view(printPorts), "lcores": view(printLcores), "drops": view(printDrops),
}

// view decodes a result for a function that prints it.
func view[T any](show func(w io.Writer, v T)) func(json.RawMessage, io.Writer) error {
	return func(raw json.RawMessage, w io.Writer) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("answer of the appliance: %w", err)
		}
		show(w, v)
		return nil
	}
}

// show prints what a running appliance has.
func show(e *env, args []string) error {
	f := e.flags("show")
	socket := socketFlag(f)
	asJSON := f.Bool("json", false, "print one JSON value instead of tables")
	names, err := parseMixed(f, args, 1)
	if err != nil {
		return err
	}
	what := strings.Join(mgmt.Tables(), ", ")
	if len(names) == 0 {
		return &usageError{"say what to show: " + what}
	}
	if !slices.Contains(mgmt.Tables(), names[0]) {
		return &usageError{fmt.Sprintf("show %q, expected one of %s", names[0], what)}
	}
	raw, err := ask(*socket, mgmt.Request{Verb: mgmt.VerbShow, What: names[0]})
	if err != nil {
		return err
	}
	if *asJSON {
		_, err := fmt.Fprintln(e.stdout, printableJSON(raw))
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if err := views[names[0]](raw, w); err != nil {
		return err
	}
	return w.Flush()
}

// row writes one line of a table. Cells are escaped here and nowhere else. The error is kept by the tabwriter for its Flush.
func row(w io.Writer, cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = printable(fmt.Sprint(c))
	}
	fmt.Fprintln(w, strings.Join(text, "\t"))
}
