package config

import (
	"fmt"
	"strings"
)

// Keys lists every key of the appliance's file, in the order of the schema.
func Keys() []KeyDoc { return fileTable.docs("", "") }

// CaptureKeys lists every key of a file that LoadKeys reads.
func CaptureKeys() []KeyDoc { return keysTable.docs("", "") }

// Help is the reference of the appliance's file: every table with every key, its values, default and meaning.
func Help() string { return reference(Keys()) }

// CaptureHelp is the reference of a file that LoadKeys reads.
func CaptureHelp() string { return reference(CaptureKeys()) }

// reference lays keys out as text, one table after the other.
func reference(keys []KeyDoc) string {
	var b strings.Builder
	table := ""
	for _, k := range keys {
		if k.Table != table {
			table = k.Table
			fmt.Fprintf(&b, "\n%s\n", table)
		}
		fmt.Fprintf(&b, "%s: %s", k.Key, k.Value)
		switch {
		case k.Required:
			b.WriteString(", required")
		case k.Default != "":
			fmt.Fprintf(&b, ", default %s", k.Default)
		}
		fmt.Fprintf(&b, "\n    %s\n", k.Help)
	}
	return b.String()
}
