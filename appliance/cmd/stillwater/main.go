// Command stillwater is the appliance: "stillwater help" lists its verbs.
package main

import (
	"stillwater/appliance/cli"

	_ "stillwater/pmd/afpacket"
	_ "stillwater/pmd/fdpmd"
	_ "stillwater/pmd/pcappmd"
	_ "stillwater/pmd/softpmd"
)

func main() { cli.Run() }
