package softpmd

import (
	"fmt"
	"sync"

	"stillwater/pmd"
)

const help = "NAME,end=a|b[,link=ethernet|raw][,mac=..][,hash=toeplitz|spi|none][,ring=1024] and for what this end sends: " +
	"[,delay=1ms][,jitter=..][,rate=10g][,loss=0.01][,duplicate=..][,reorder=..][,reorder_depth=3][,reorder_hold=1ms][,seed=N]"

func init() { pmd.Register("soft", help, openDevice) }

// wires are those opened by name; one is forgotten when both its ends are closed.
var wires = struct {
	sync.Mutex
	byName map[string]*Wire
}{byName: map[string]*Wire{}}

// openDevice opens one end of the wire of that name and makes the wire if the other end has not.
func openDevice(args string, cfg pmd.Config) (pmd.Port, error) {
	d, err := parseDevice(args)
	if err != nil {
		return nil, err
	}
	if err := d.im.normalise(); err != nil {
		return nil, fmt.Errorf("wire %q: %w", d.name, err)
	}
	if d.seed != 0 {
		cfg.Seed = d.seed
	}
	wires.Lock()
	defer wires.Unlock()
	w := wires.byName[d.name]
	if w == nil {
		if w, err = NewWire(WireConfig{Name: d.name, Link: d.link, Ring: d.ring}); err != nil {
			return nil, err
		}
	}
	p, err := w.openDevice(d, cfg)
	if err != nil {
		return nil, err
	}
	wires.byName[d.name] = w
	p.name = "soft:" + args
	if d.seed == 0 && !d.im.plain() {
		p.name = fmt.Sprintf("%s,seed=%d", p.name, p.cfg.Seed)
	}
	p.released = func() { forget(d.name, w) }
	return p, nil
}

// openDevice takes over what the device string says about this end. What both ends share has to agree.
func (w *Wire) openDevice(d device, cfg pmd.Config) (*port, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.link != w.cfg.Link {
		return nil, fmt.Errorf("wire %q: end %v with link=%v, the other end has link=%v", d.name, d.end, d.link, w.cfg.Link)
	}
	if d.ring != 0 && d.ring != w.cfg.Ring {
		return nil, fmt.Errorf("wire %q: end %v with ring=%d, the other end has ring=%d", d.name, d.end, d.ring, w.cfg.Ring)
	}
	if w.ports[d.end] == nil {
		w.cfg.Impair[d.end], w.cfg.MAC[d.end] = d.im, d.mac
		w.cfg.Hash[d.end], w.cfg.Steering[d.end] = d.hash.hash, d.hash.name
	}
	return w.open(d.end, cfg)
}

// forget drops a wire nobody has open.
func forget(name string, w *Wire) {
	wires.Lock()
	defer wires.Unlock()
	if !w.inUse() && wires.byName[name] == w {
		delete(wires.byName, name)
	}
}
