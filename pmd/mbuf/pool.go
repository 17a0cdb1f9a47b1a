package mbuf

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Class is a size class: how many octets of data fit between full headroom and full tailroom.
type Class uint8

// The size classes. Most packets live in the first; reassembly and jumbo frames use the others only while they must.
const (
	Class2K Class = iota
	Class9K
	Class64K
	numClasses
)

// Size returns the octets of data a fresh mbuf of the class can take with Headroom and Tailroom kept free.
func (c Class) Size() int { return classSize[c] }

var classSize = [numClasses]int{2048, 9216, 65536}

// ClassFor returns the smallest class that takes n octets of data; ok is false above 65,536.
func ClassFor(n int) (c Class, ok bool) {
	switch {
	case n <= classSize[Class2K]:
		return Class2K, true
	case n <= classSize[Class9K]:
		return Class9K, true
	default:
		return Class64K, n <= classSize[Class64K]
	}
}

// PoolConfig says how many mbufs of each class a pool holds.
type PoolConfig struct {
	Name  string // for errors and metrics, "lcore 1"
	N2K   int
	N9K   int
	N64K  int
	Huge  bool // try huge pages first; ordinary pages serve where there are none
	Prime bool // touch every page at once, so that no packet meets a page fault
}

// Pool is the memory of one lcore: a free list per size class. Get, Put, Free and Available are owned by one lcore;
// Return may be called by every goroutine.
type Pool struct {
	name string
	free [numClasses][]*Mbuf
	all  []Mbuf
	mem  region
	// returned is the head of a chain of mbufs that other goroutines sent home: 1 + index, 0 when empty. Producers push
	// by compare-and-swap; the owner takes the whole chain in one swap, so there is no ABA.
	_        [64]byte
	returned atomic.Uint32
	_        [60]byte
	empty    uint64
}

// maxCount bounds the mbufs of a class: indexes have 32 bits, and 2^24 of the largest are a terabyte.
const maxCount = 1 << 24

// NewPool maps the memory for all classes and fills the free lists. Buffers live outside the Go heap, but for builds with
// the race detector, which does not see mmap.
func NewPool(cfg PoolConfig) (*Pool, error) {
	counts := [numClasses]int{cfg.N2K, cfg.N9K, cfg.N64K}
	total, octets := 0, 0
	for c, n := range counts {
		if n < 0 || n > maxCount {
			return nil, fmt.Errorf("mbuf pool %q: %d mbufs of %d octets, expected 0 to %d", cfg.Name, n, classSize[c], maxCount)
		}
		total += n
		octets += n * stride(Class(c))
	}
	if total == 0 {
		return nil, fmt.Errorf("mbuf pool %q: no mbufs asked for", cfg.Name)
	}
	mem, err := mapRegion(octets, cfg.Huge, cfg.Prime)
	if err != nil {
		return nil, fmt.Errorf("mbuf pool %q: map %d octets: %w", cfg.Name, octets, err)
	}
	p := &Pool{name: cfg.Name, all: make([]Mbuf, total), mem: mem}
	i, at := 0, 0
	for c, n := range counts {
		p.free[c] = make([]*Mbuf, 0, n)
		size := stride(Class(c))
		for range n {
			m := &p.all[i]
			*m = Mbuf{buf: mem.bytes[at : at+size : at+size], off: Headroom, class: Class(c), index: uint32(i), pool: p}
			p.free[c] = append(p.free[c], m)
			i, at = i+1, at+size
		}
	}
	return p, nil
}

// stride is the distance between buffers of a class: data, headroom and tailroom, in whole cache lines. It is kept off
// powers of two so that headers of neighbouring packets do not compete for one cache set.
func stride(c Class) int {
	n := (classSize[c] + Headroom + Tailroom + 63) &^ 63
	if n%4096 == 0 {
		n += 64
	}
	return n
}

// Name returns the name given at creation.
func (p *Pool) Name() string { return p.name }

// Get returns an mbuf with room for n octets of data behind full headroom, empty, its metadata zero; nil when the class
// is exhausted or n is above 65,536. A larger class serves when the fitting one is empty.
func (p *Pool) Get(n int) *Mbuf {
	c, ok := ClassFor(n)
	if !ok {
		return nil
	}
	for ; c < numClasses; c++ {
		if len(p.free[c]) == 0 {
			p.collect()
		}
		if k := len(p.free[c]); k > 0 {
			m := p.free[c][k-1]
			p.free[c] = p.free[c][:k-1]
			m.reset()
			return m
		}
	}
	p.empty++
	return nil
}

// GetBurst fills ms with mbufs of class c and returns how many it had; the rest of ms is left alone.
func (p *Pool) GetBurst(ms []*Mbuf, c Class) int {
	if len(p.free[c]) < len(ms) {
		p.collect()
	}
	n := min(len(ms), len(p.free[c]))
	rest := len(p.free[c]) - n
	for i, m := range p.free[c][rest:] {
		m.reset()
		ms[i] = m
	}
	p.free[c] = p.free[c][:rest]
	if n < len(ms) {
		p.empty++
	}
	return n
}

// reset gives an mbuf the state every Get promises.
func (m *Mbuf) reset() {
	m.off, m.len, m.mark, m.inUse, m.Meta = Headroom, 0, Headroom, true, Meta{}
}

// Put takes one mbuf back, whichever pool it came from.
func (p *Pool) Put(m *Mbuf) {
	if m.pool != p {
		m.pool.Return(m)
		return
	}
	m.release()
	p.free[m.class] = append(p.free[m.class], m)
}

// release marks m as free.
func (m *Mbuf) release() {
	if !m.inUse {
		panic("mbuf: double free in pool " + m.pool.name)
	}
	m.inUse = false
}

// Free takes a burst back in bulk, whichever pools its mbufs came from: those of other lcores go home by Return, in runs.
func (p *Pool) Free(ms []*Mbuf) {
	for i := 0; i < len(ms); {
		if ms[i].pool == p {
			p.Put(ms[i])
			i++
			continue
		}
		j := i + 1
		for j < len(ms) && ms[j].pool == ms[i].pool {
			j++
		}
		ms[i].pool.returnRun(ms[i:j])
		i = j
	}
}

// Return sends one mbuf home from any goroutine; its owner finds it when its free list runs low.
func (p *Pool) Return(m *Mbuf) {
	one := [1]*Mbuf{m}
	p.returnRun(one[:])
}

// returnRun links ms, all of pool p, into a chain and pushes it in one exchange.
func (p *Pool) returnRun(ms []*Mbuf) {
	for i, m := range ms {
		m.release()
		if i > 0 {
			m.next = ms[i-1].index + 1
		}
	}
	first, last := ms[0], ms[len(ms)-1]
	for {
		head := p.returned.Load()
		first.next = head
		if p.returned.CompareAndSwap(head, last.index+1) {
			return
		}
	}
}

// collect moves everything other goroutines returned to the free lists.
func (p *Pool) collect() {
	if p.returned.Load() == 0 {
		return
	}
	for i := p.returned.Swap(0); i != 0; {
		m := &p.all[i-1]
		i = m.next
		p.free[m.class] = append(p.free[m.class], m)
	}
}

// Available returns the free mbufs of class c, those on their way home included.
func (p *Pool) Available(c Class) int {
	p.collect()
	return len(p.free[c])
}

// Size returns how many mbufs the pool was built with.
func (p *Pool) Size() int { return len(p.all) }

// Exhausted returns how often an allocation found the pool empty.
func (p *Pool) Exhausted() uint64 { return p.empty }

// ErrInUse is returned by Close while mbufs are still out.
var ErrInUse = errors.New("mbufs are still in use")

// Close unmaps the pool. It refuses while any mbuf is out: its owner would write to unmapped memory.
func (p *Pool) Close() error {
	p.collect()
	have := 0
	for c := range p.free {
		have += len(p.free[c])
	}
	if have != len(p.all) {
		return fmt.Errorf("close mbuf pool %q: %d of %d: %w", p.name, len(p.all)-have, len(p.all), ErrInUse)
	}
	for c := range p.free {
		p.free[c] = nil
	}
	return p.mem.unmap()
}
