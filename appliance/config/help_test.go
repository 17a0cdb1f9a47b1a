package config

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestReference: every key has a meaning, its default is TOML and what the schema takes, and no table names a key twice.
func TestReference(t *testing.T) {
	for name, keys := range map[string][]KeyDoc{"file": Keys(), "capture": CaptureKeys()} {
		seen := map[string]bool{}
		for _, k := range keys {
			id := k.Table + " " + k.Key
			if seen[id] {
				t.Errorf("%s: %s twice", name, id)
			}
			seen[id] = true
			if k.Value == "" || k.Help == "" || k.Required && k.Default != "" {
				t.Errorf("%s: %s: incomplete: %+v", name, id, k)
			}
			if _, err := toml.Decode("x = "+k.Default, &map[string]any{}); k.Default != "" && err != nil {
				t.Errorf("%s: default of %s: %v", name, id, err)
			}
		}
	}
}

// TestEveryKeyInHelp: the text names the keys of the good files under their tables.
func TestEveryKeyInHelp(t *testing.T) {
	sections := map[string]string{}
	for s := range strings.SplitSeq(Help(), "\n\n") {
		head, body, _ := strings.Cut(s, "\n")
		sections[head] = "\n" + body
	}
	table := ""
	for line := range strings.Lines(string(readTestdata(t, "good.toml")) + string(readTestdata(t, "connections.toml"))) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = line
		} else if k, _, ok := strings.Cut(line, " ="); ok && table != "" && !strings.Contains(sections[table], "\n"+k+": ") {
			t.Errorf("help of %s does not name %s", table, k)
		}
	}
	if !strings.Contains(CaptureHelp(), "[[sa]]\nspi: an SPI from 256") {
		t.Errorf("capture help:\n%s", CaptureHelp())
	}
	if !strings.Contains(Help(), "mtu: an integer from 576 to 9216, default 1500\n") {
		t.Errorf("help of mtu:\n%s", Help())
	}
}

// TestDefaultsPassTheSchema reads files with nothing but what is required.
func TestDefaultsPassTheSchema(t *testing.T) {
	const port = "[[port]]\nname = \"a\"\ndevice = \"soft:a\"\nrole = \"outside\"\n"
	c, err := Parse("f.toml", []byte(port))
	if err != nil {
		t.Fatal(err)
	}
	if c.System.Name != "stillwater" || c.System.Poll != PollBusy || !c.System.Hugepages || c.Ports[0].MTU != 1500 {
		t.Errorf("got %+v", c)
	}
}

func TestNearest(t *testing.T) {
	valid := map[string]bool{"spi_in": true, "spi_out": true, "l2_fixed_rate": true, "l3_fixed_rate": true}
	for got, want := range map[string]string{
		"spi-in": "spi_in", "SPI_OUT": "spi_out", "rate": "l2_fixed_rate", "l3_rate": "l3_fixed_rate", "entirely": "", "": "",
	} {
		if n := nearest(got, func(yield func(string) bool) {
			for k := range valid {
				if !yield(k) {
					return
				}
			}
		}); n != want {
			t.Errorf("nearest to %q: got %q, want %q", got, n, want)
		}
	}
}
