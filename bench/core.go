package bench

import (
	"fmt"
	"io"
	"time"
)

// Options say how long and at which sizes to measure.
type Options struct {
	Rounds   int           // of each size, 1 to MaxRounds
	Sizes    []int         // octets of inner packets, MinSize to MaxSize
	Sample   time.Duration // CPU time of a sample; two samples of each circuit make a round
	Progress io.Writer     // one line now and then
}

// MaxRounds bounds Options.Rounds.
const MaxRounds = 1000

// DefaultOptions are those of a run worth reporting: about 10 seconds.
func DefaultOptions() Options {
	return Options{Rounds: 60, Sizes: []int{64, 512, 1400, 9000}, Sample: time.Millisecond, Progress: io.Discard}
}

// Core measures every scenario of the core at every size and returns the rows by size. Command and Machine of the report
// are the caller's. A packet that comes back other than it was sent, or not at all, is an error.
func Core(o Options) (rows []Row, err error) {
	err = onThread(func(clock func() int64) error {
		r := &runner{clock: clock, cost: clockCost(clock), sample: int64(o.Sample), rounds: o.Rounds, progress: o.Progress}
		for _, size := range o.Sizes {
			more, err := r.size(scenarios, size)
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
		return nil
	})
	return rows, err
}

// size measures scenarios side by side at one size.
func (r *runner) size(table []scenario, size int) (rows []Row, err error) {
	var circuits []circuit
	var names []string
	defer func() {
		for i, c := range circuits {
			if e := c.close(); e != nil && err == nil { // after an error packets are anywhere
				err = fmt.Errorf("close %s: %w", names[i], e)
			}
		}
	}()
	for i := range table {
		c, err := table[i].build(size)
		if err != nil {
			return nil, fmt.Errorf("build %s for packets of %d octets: %w", table[i].name, size, err)
		}
		circuits, names = append(circuits, c), append(names, table[i].name)
	}
	series, err := r.measure(fmt.Sprintf("%d octets", size), names, circuits)
	if err != nil {
		return nil, err
	}
	rs := results{}
	for i := range table {
		for way, m := range table[i].rows {
			rs[m.name] = series[i][way]
		}
	}
	for i := range table {
		rows = append(rows, rs.rowsOf(&table[i], size)...)
	}
	return rows, nil
}
