package bench

// scenario is one row of the table: a kind of circuit and the rows that its two directions give.
type scenario struct {
	name, help string
	build      func(size int) (circuit, error)
	rows       [2]measure // out, in
	derived    []derived
}

// measure is the cost of one direction of a circuit, and what it is compared with.
type measure struct {
	name    string
	against string // the name of a measure at the same size; "" for none
	aim     *aim   // of the comparison
}

// derived is another look at a measure: as a packet rate, or against another reference.
type derived struct {
	name, of, against string
	unit              string
	aim               *aim
	aimSize           int // the one size that the aim is about; 0: all
}

// backend is the AEAD back-end of every scenario here.
const backend = "std"

// The measures that others are compared with.
const (
	bareSeal         = "aead.bare.seal"
	bareOpen         = "aead.bare.open"
	textSeal         = "aead.text.seal"
	textOpen         = "aead.text.open"
	espOut           = "esp.out"
	espIn            = "esp.in"
	iptfsOut         = "iptfs.out"
	iptfsIn          = "iptfs.in"
	loopTunnelOut    = "loop.tunnel.out"
	loopTunnelIn     = "loop.tunnel.in"
	loopAggregateOut = "loop.aggregate.out"
	loopAggregateIn  = "loop.aggregate.in"
)

// scenarios is everything that "swbench core" measures, in the order of its rounds and of its report.
var scenarios = []scenario{
	{
		name: "aead.bare", help: "cipher.AEAD of the standard library: AES-128-GCM in place, 12 octets of AAD, a new nonce each",
		build: newBare,
		rows:  [2]measure{{name: bareSeal}, {name: bareOpen}},
	},
	{
		name: "aead.text", help: "the same over what ESP makes of the packet: with padding, Pad Length and Next Header",
		build: newText,
		rows:  [2]measure{{name: textSeal, against: bareSeal}, {name: textOpen, against: bareOpen}},
	},
	{
		name: "aead.std", help: "the std engine of crypto/aead over the packet, descriptors in bursts of 32",
		build: newEngine,
		rows:  [2]measure{{name: "aead.std.seal", against: bareSeal}, {name: "aead.std.open", against: bareOpen}},
	},
	{
		name: "esp", help: "ESP tunnel mode over IPv4, 64-bit sequence numbers, replay window 1984, bursts of 32 mbufs",
		build: newESP,
		rows:  [2]measure{{espOut, bareSeal, nearAEAD}, {espIn, bareOpen, nearAEAD}},
		derived: []derived{
			{name: "esp.text.out", of: espOut, against: textSeal, unit: unitCost, aim: nearAEAD},
			{name: "esp.text.in", of: espIn, against: textOpen, unit: unitCost, aim: nearAEAD},
		},
	},
	{
		name: "iptfs", help: "IP-TFS in outer packets of 1500 octets: framer and ESP, ESP and reassembler; per inner packet",
		build: newIPTFS,
		rows:  [2]measure{{name: iptfsOut, against: espOut}, {name: iptfsIn, against: espIn}},
		derived: []derived{
			{name: "iptfs.rate.out", of: iptfsOut, against: espOut, unit: unitRate, aim: threefold, aimSize: 64},
			{name: "iptfs.rate.in", of: iptfsIn, against: espIn, unit: unitRate, aim: threefold, aimSize: 64},
		},
	},
	{
		name: "loop.tunnel", help: "the worker loop from one in-memory wire to the other, plain ESP tunnel; stepped, one lcore",
		build: newTunnelLoop,
		rows:  [2]measure{{name: loopTunnelOut, against: bareSeal}, {name: loopTunnelIn, against: bareOpen}},
	},
	{
		name: "loop.aggregate", help: "the same with IP-TFS on demand in outer packets of at most 1500 octets; per inner packet",
		build: newAggregateLoop,
		rows:  [2]measure{{name: loopAggregateOut, against: loopTunnelOut}, {name: loopAggregateIn, against: loopTunnelIn}},
		derived: []derived{
			{name: "loop.rate.out", of: loopAggregateOut, against: loopTunnelOut, unit: unitRate},
			{name: "loop.rate.in", of: loopAggregateIn, against: loopTunnelIn, unit: unitRate},
		},
	},
}
