// Command swbench is the benchmark harness: "swbench help" lists its verbs.
package main

import (
	"os"

	"stillwater/bench"
)

func main() { os.Exit(bench.Main(os.Args[1:], os.Stdout, os.Stderr)) }
