package mbuf

// BurstSize is the number of packets a worker asks a queue for at a time.
const BurstSize = 32

// Burst is a vector of packets. A stage takes one and returns the prefix that goes on; what it rejects it has moved
// behind that prefix, each with a Verdict, so that one place counts and frees in bulk.
//
// Whether order is kept is part of each stage's contract. Packets of one flow must never overtake each other, so stages
// of the pipeline use Keep, which is stable.
type Burst []*Mbuf

// Keep is the stable partition every stage ends with: it moves the mbufs whose Verdict is Pass to the front, in order,
// the others behind them, in order, and returns how many pass. It works in one pass while nothing was rejected; scratch
// must be at least as long as the burst and is only written when something was.
func (b Burst) Keep(scratch Burst) int {
	i := 0
	for i < len(b) && b[i].Verdict == Pass {
		i++
	}
	if i == len(b) {
		return i
	}
	rejected := scratch[:0]
	for _, m := range b[i:] {
		if m.Verdict == Pass {
			b[i] = m
			i++
		} else {
			rejected = append(rejected, m)
		}
	}
	copy(b[i:], rejected)
	return i
}
