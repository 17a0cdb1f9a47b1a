package testbed

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"stillwater/crypto/suite"
	"stillwater/pmd/softpmd"
)

// staticTexts writes the two configuration files of a pair with static keys, which are drawn here and exist in this process
// only.
func staticTexts(c *PairConfig) [2]string {
	addr, bits := c.outerAddresses()
	sas := [2]strings.Builder{}
	for k := range c.Lcores {
		there, back := newKey(c.Encr, c.Integ), newKey(c.Encr, c.Integ)
		writeSA(&sas[0], c, 2*k, 2*k+1, there, back)
		writeSA(&sas[1], c, 2*k+1, 2*k, back, there)
	}
	var texts [2]string
	for i := range texts {
		text := strings.NewReplacer("{END}", softpmd.End(i).String(), "{INSIDE}", fmt.Sprintf("inside%d", i)).Replace(staticText)
		texts[i] = fmt.Sprintf(text, i, c.Lcores, c.Mbufs, max(c.Mix.MaxSize, 1500), c.outerMTU(), addr[i], bits, max(c.Mix.MaxSize, 1500),
			addr[i], addr[1-i], c.Mode, c.outerMTU(), c.modeLines(), c.Extra, sas[i].String())
	}
	return texts
}

func writeSA(b *strings.Builder, c *PairConfig, out, in int, keyOut, keyIn string) {
	integ := ""
	if c.Integ != "" {
		integ = fmt.Sprintf("integ = %q\n", c.Integ)
	}
	fmt.Fprintf(b, "[[tunnel.sa]]\nspi_out = %d\nspi_in = %d\nencr = %q\n%skey_out = %q\nkey_in = %q\nesn = true\n",
		spiBase+out, spiBase+in, c.Encr, integ, keyOut, keyIn)
}

// spiBase keeps the SPIs of a pair away from the reserved ones.
const spiBase = 0x1000

// newKey draws key material for an algorithm.
func newKey(encr, integ string) string {
	s, err := suite.ParseESP(encr, integ)
	if err != nil {
		return "" // the configuration that gets it says what is wrong with the algorithm
	}
	b := make([]byte, s.KeymatLen())
	rand.Read(b)
	return hex.EncodeToString(b)
}

const staticText = "unsafe_static_keys = true\n" + portsText + `[[tunnel]]
name = "t"
local = "%s"
remote = "%s"
mode = "%s"
outer_packet_size = %d
%s
%s
[[tunnel.policy]]
local_ts = ["0.0.0.0/0", "::/0"]
remote_ts = ["0.0.0.0/0", "::/0"]
%s`
