package bench

import (
	"fmt"
	"io"
	"runtime"
)

// runner measures circuits. It is owned by one goroutine, which is locked to its thread.
type runner struct {
	clock    func() int64 // CPU time of the thread, ns
	cost     int64        // of reading the clock, ns
	sample   int64        // CPU time of one direction that a sample is to take at least, ns
	rounds   int
	progress io.Writer
}

// warmUps is how many samples' worth of passes a circuit makes before the first round: caches, branch predictors and the
// clock frequency settle.
const warmUps = 10

// cost is what one direction of a circuit took.
type cost struct {
	time    int64 // ns
	packets int
}

// perPacket is the cost in nanoseconds.
func (c cost) perPacket() float64 { return float64(c.time) / float64(c.packets) }

// pass sends everything out and back once and adds what it took.
func (r *runner) pass(c circuit, took *[2]cost) error {
	start := r.clock()
	n := c.out()
	took[0].time += r.clock() - start - r.cost
	took[0].packets += n
	if err := c.carry(); err != nil {
		return err
	}
	start = r.clock()
	n = c.in()
	took[1].time += r.clock() - start - r.cost
	took[1].packets += n
	return c.check()
}

// warmUp runs a circuit in and returns how many passes make a sample.
func (r *runner) warmUp(c circuit) (passes int, err error) {
	var took [2]cost
	for passes == 0 || took[0].time+took[1].time < 2*warmUps*r.sample {
		if err := r.pass(c, &took); err != nil {
			return 0, err
		}
		passes++
	}
	return (passes + warmUps - 1) / warmUps, nil
}

// measure warms the circuits up and returns for each of them and each direction one value a round: nanoseconds per packet,
// over both samples of the round.
func (r *runner) measure(label string, names []string, circuits []circuit) ([][2][]float64, error) {
	passes, series := make([]int, len(circuits)), make([][2][]float64, len(circuits))
	for i, c := range circuits {
		fmt.Fprintf(r.progress, "%s: warming up %s\n", label, names[i])
		var err error
		if passes[i], err = r.warmUp(c); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", label, names[i], err)
		}
	}
	runtime.GC() // nothing below allocates much: one collection now rather than one in a sample
	took := make([][2]cost, len(circuits))
	for round := range r.rounds {
		if round%max(r.rounds/4, 1) == 0 {
			fmt.Fprintf(r.progress, "%s: round %d of %d\n", label, round+1, r.rounds)
		}
		clear(took)
		for i := range abba(len(circuits)) {
			for range passes[i] {
				if err := r.pass(circuits[i], &took[i]); err != nil {
					return nil, fmt.Errorf("%s, %s, round %d: %w", label, names[i], round+1, err)
				}
			}
		}
		for i := range took {
			for way := range took[i] {
				series[i][way] = append(series[i][way], took[i][way].perPacket())
			}
		}
	}
	return series, nil
}
