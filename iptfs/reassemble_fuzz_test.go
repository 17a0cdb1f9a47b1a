package iptfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// reasmDiffer runs a Reassembler and the model side by side.
type reasmDiffer struct {
	*reasmRig
	model *reasmModel
	burst int // length of the bursts that are drained
}

func newReasmDiffer(t testing.TB, cfg ReassemblerConfig, burst int) *reasmDiffer {
	return &reasmDiffer{reasmRig: newReasmRig(t, cfg), model: newReasmModel(cfg), burst: burst}
}

// step lets e happen to both and returns how they differ.
func (f *reasmDiffer) step(e reasmEvent) error {
	f.now = e.at
	if e.expire {
		f.r.Expire(f.pool, e.at)
	} else {
		f.r.Receive(f.mbuf(e.seq, e.nextHeader, e.data), f.pool, e.at)
	}
	if err := reasmDiff(f.drain(f.burst), f.model.step(e)); err != nil {
		return err
	}
	if got := f.r.Counters(); got != f.model.c {
		return fmt.Errorf("counters\n %+v, expected\n %+v", got, f.model.c)
	}
	if got := *f.r.Drops(); got != f.model.drops {
		return fmt.Errorf("drops\n %v, expected\n %v", got, f.model.drops)
	}
	return nil
}

// reasmSender makes the payloads of a peer that obeys RFC 9347 most of the time.
type reasmSender struct {
	*rand.Rand
	seq   uint64
	id    int
	left  []byte // of the packet that is being sent
	sent  [][]byte
	lies  int // one header or octet in so many is damaged; 0 for none
	sizes []int
}

// payload returns the next payload: the rest of the packet begun before, new packets, and padding now and then.
func (s *reasmSender) payload() reasmEvent {
	s.seq++
	room := 1 + s.IntN(300)
	e := reasmEvent{seq: s.seq, nextHeader: NextHeader}
	switch {
	case s.IntN(12) == 0:
		e.data = reasmPayload(0, reasmPad(room)) // all-pad, also between fragments
		return e
	case s.lies > 0 && s.IntN(40) == 0:
		e.nextHeader = 59
		return e
	}
	offset, d := len(s.left), bytes.Clone(s.left[:min(room, len(s.left))])
	s.left = s.left[len(d):]
	for len(d) < room {
		if s.IntN(6) == 0 && len(d) > 0 {
			d = append(d, reasmPad(room-len(d))...)
			break
		}
		p := s.packet()
		n := min(room-len(d), len(p))
		d = append(d, p[:n]...)
		s.left = p[n:]
	}
	e.data = reasmPayload(offset, d)
	if s.IntN(5) == 0 {
		e.data = reasmCC(offset, d)
	}
	if s.lies > 0 && s.IntN(s.lies) == 0 {
		s.lie(e.data)
	}
	return e
}

func (s *reasmSender) packet() []byte {
	s.id++
	p := reasmV4(20+s.IntN(s.sizes[s.IntN(len(s.sizes))]), s.id)
	if s.IntN(3) == 0 {
		p = reasmV6(len(p)+20, s.id)
	}
	s.sent = append(s.sent, p)
	return p
}

// lie damages one octet, of the header or the first block as often as of the rest.
func (s *reasmSender) lie(p []byte) {
	at := s.IntN(len(p))
	if s.IntN(2) == 0 {
		at = s.IntN(min(len(p), 12))
	}
	p[at] += byte(1 + s.IntN(255))
}

// reasmDisturb drops, repeats and delays payloads on their way.
func reasmDisturb(rng *rand.Rand, events []reasmEvent, loss int) []reasmEvent {
	type arrival struct {
		when int
		e    reasmEvent
	}
	var way []arrival
	for i, e := range events {
		if rng.IntN(100) < loss {
			continue
		}
		when := i * 10
		if rng.IntN(10) == 0 {
			when += rng.IntN(80)
		}
		way = append(way, arrival{when, e})
		if rng.IntN(30) == 0 {
			way = append(way, arrival{when + rng.IntN(100), e})
		}
	}
	slices.SortStableFunc(way, func(a, b arrival) int { return a.when - b.when })
	arrived := make([]reasmEvent, len(way))
	for i, a := range way {
		arrived[i] = a.e
	}
	return arrived
}

// reasmScenario returns what a receiver of cfg goes through, times included.
func reasmScenario(rng *rand.Rand, lies, loss, payloads int, first uint64) (events []reasmEvent, sent [][]byte) {
	s := &reasmSender{Rand: rng, seq: first - 1, lies: lies, sizes: []int{1, 60, 200, 900}}
	for range payloads {
		events = append(events, s.payload())
	}
	events = reasmDisturb(rng, events, loss)
	now := int64(0)
	var timed []reasmEvent
	for _, e := range events {
		now += rng.Int64N(2000)
		e.at = now
		timed = append(timed, e)
		if rng.IntN(8) == 0 {
			now += rng.Int64N(12000)
			timed = append(timed, reasmEvent{at: now, expire: true})
		}
	}
	return append(timed, reasmEvent{at: now + reasmSecond, expire: true}, reasmEvent{at: now + 2*reasmSecond, expire: true}), s.sent
}

// TestTFST24Differential compares the Reassembler with the slow model after every single payload: packets in order,
// counters and verdicts, over windows, losses, lies and burst lengths.
func TestTFST24Differential(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 24))
	firsts := []uint64{1, 1, 2, 5, 4000000000, 1<<32 - 20}
	for i := range 400 {
		cfg := ReassemblerConfig{Window: rng.IntN(9), LostTimer: 5000, MaxInner: 600 + rng.IntN(700), NoFragments: i%16 == 15}
		lies := []int{0, 3, 20}[i%3]
		events, _ := reasmScenario(rng, lies, rng.IntN(12), 120, firsts[rng.IntN(len(firsts))])
		f := newReasmDiffer(t, cfg, 1+rng.IntN(5))
		for k, e := range events {
			if err := f.step(e); err != nil {
				t.Fatalf("scenario %d, %+v, event %d (number %d, expire %v): %v", i, cfg, k, e.seq, e.expire, err)
			}
		}
	}
}

// TestTFST24LossFree checks the model's oracle as well: with nothing lost and nothing beyond the window, what comes out
// is what went in.
func TestTFST24LossFree(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 25))
	for range 50 {
		events, sent := reasmScenario(rng, 0, 0, 100, 1)
		events = slices.DeleteFunc(events, func(e reasmEvent) bool { return e.expire })
		g := newReasmRig(t, ReassemblerConfig{Window: 16, LostTimer: reasmSecond})
		var got [][]byte
		for _, e := range events {
			got = append(got, g.recvAs(e.seq, e.nextHeader, e.data)...)
		}
		if len(sent) > 0 && g.r.partial.pending {
			sent = sent[:len(sent)-1] // the last packet's end was never sent
		}
		g.expect(got, sent...)
		c := g.r.Counters()
		if c.Missed != 0 || c.Incomplete != 0 || c.Errored != 0 {
			t.Errorf("loss-free stream counted %+v", c)
		}
	}
}

// reasmScript reads a fuzzer's octets as events: a control octet, a step of the sequence number, a length and data.
func reasmScript(script []byte) (cfg ReassemblerConfig, events []reasmEvent) {
	if len(script) < 2 {
		return cfg, nil
	}
	cfg = ReassemblerConfig{
		Window: int(script[0] & 7), LostTimer: 5000, MaxInner: 100 + int(script[1])*8, NoFragments: script[0]&0x80 != 0,
	}
	script = script[2:]
	seq, now := int64(3), int64(0)
	for len(script) >= 4 && len(events) < 64 {
		control, step, n := script[0], int8(script[1]), int(binary.BigEndian.Uint16(script[2:]))
		n = min(n, len(script)-4, 2000)
		now += int64(control&0x3f) * 100
		seq = max(seq+int64(step), 0)
		e := reasmEvent{at: now, expire: control&0x40 != 0, seq: uint64(seq), nextHeader: NextHeader, data: script[4 : 4+n]}
		if control&0x80 != 0 {
			e.nextHeader = script[4+n-1]
		}
		events = append(events, e)
		script = script[4+n:]
	}
	return cfg, events
}

// reasmSeedScript writes events in the form reasmScript reads.
func reasmSeedScript(window byte, payloads ...[]byte) []byte {
	script := []byte{window, 255}
	for i, p := range payloads {
		step := byte(1)
		if i == 0 {
			step = 0xfe // to number 1
		}
		script = append(script, 1, step, byte(len(p)>>8), byte(len(p)))
		script = append(script, p...)
	}
	return script
}

// FuzzReassemble feeds hostile scripts to the Reassembler and the model: no panic, no mbuf lost, no difference; and the
// immediate mode delivers the same packets in some order.
func FuzzReassemble(f *testing.F) {
	for _, seed := range reasmSeeds() {
		f.Add(reasmSeedScript(3, seed...))
		f.Add(reasmSeedScript(0x80, seed...))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		cfg, events := reasmScript(script)
		if cfg.MaxInner == 0 {
			return
		}
		differ := newReasmDiffer(t, cfg, 3)
		var inOrder [][]byte
		for i, e := range events {
			if err := differ.step(e); err != nil {
				t.Fatalf("%+v, event %d: %v", cfg, i, err)
			}
			inOrder = append(inOrder, differ.model.out...)
		}
		differ.step(reasmEvent{at: 1 << 40, expire: true})
		inOrder = append(inOrder, differ.model.out...)
		cfg.Immediate = true
		immediate := newReasmRig(t, cfg)
		got := immediate.play(events, 3)
		got = append(got, immediate.expire(1<<40)...)
		immediate.expect(reasmSorted(got), reasmSorted(inOrder)...)
	})
}

// play lets events happen and returns all inner packets.
func (g *reasmRig) play(events []reasmEvent, burst int) [][]byte {
	g.Helper()
	var got [][]byte
	for _, e := range events {
		g.now = e.at
		if e.expire {
			g.r.Expire(g.pool, e.at)
		} else {
			g.r.Receive(g.mbuf(e.seq, e.nextHeader, e.data), g.pool, e.at)
		}
		got = append(got, g.drain(burst)...)
	}
	return got
}

// reasmSorted returns packets in an order of their own, to compare sets.
func reasmSorted(packets [][]byte) [][]byte {
	sorted := slices.Clone(packets)
	slices.SortFunc(sorted, bytes.Compare)
	return sorted
}

// reasmSeeds are payload sequences worth mutating: the nasty cases of the tests beside.
func reasmSeeds() [][][]byte {
	seeds := [][][]byte{
		reasmSplit(1400, reasmV4(750, 1), reasmV4(750, 2), reasmV4(60, 3), reasmV4(240, 4), reasmV4(1800, 5)),
		{reasmPayload(0, reasmV4(40, 1), reasmPad(7)), reasmCC(0, reasmPad(1)), reasmPayload(0)},
		{reasmPayload(0, reasmV4(100, 1)[:60]), reasmPayload(0, reasmPad(9)), reasmPayload(40, reasmV4(100, 1)[60:], reasmV6(40, 2))},
		{reasmPayload(0, []byte{0x45, 0, 0, 0}), reasmPayload(0, []byte{0x50}), {2, 0, 0, 0}, {0}},
	}
	for n := 1; n < 6; n++ {
		p := reasmV6(60, n)
		seeds = append(seeds, [][]byte{reasmPayload(0, p[:n]), reasmPayload(60-n, p[n:n+1]), reasmPayload(59-n, p[n+1:])})
	}
	return seeds
}
