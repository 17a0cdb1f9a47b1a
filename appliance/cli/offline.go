package cli

import (
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// offline is what decap and encap have in common: memory, the capture being written, what is counted, the capture's time.
type offline struct {
	pool   *mbuf.Pool
	out    *pcappmd.Writer
	result pcapResult
	now    int64 // ns, of the newest packet read
	burst  mbuf.Burst
}

func newOffline(burst int) offline {
	return offline{burst: make(mbuf.Burst, burst), result: pcapResult{Drops: map[string]uint64{}}}
}

// close gives the memory back, but for what an aborted run still holds.
func (o *offline) close() {
	if o.pool != nil {
		o.pool.Close()
	}
}

// job is one direction of the offline work.
type job interface {
	setup(f pcapFlags) error // keys, SAs, memory
	run(in string) error     // the whole capture
}

// runOffline reads the flags, does the job and prints the result. The output gets its name when everything has gone well;
// otherwise nothing of it is left.
func (e *env) runOffline(name string, args []string, o *offline, j job) error {
	f, err := e.pcapFlags(name, args)
	if err != nil {
		return err
	}
	defer o.close()
	if err := j.setup(f); err != nil {
		return err
	}
	if o.out, err = pcappmd.Create(f.out, pcappmd.LinkRaw, pcappmd.Options{}); err != nil {
		return err
	}
	if err := j.run(f.in); err != nil {
		o.out.Abort()
		return err
	}
	if err := o.out.Close(); err != nil {
		return err
	}
	return e.printResult(&o.result, f.asJSON)
}
