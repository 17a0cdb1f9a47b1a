package hoststack

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// TestReassemblerEqualsAModel: random fragments of few packets, overlapping or not, against a plain array of octets.
func TestReassemblerEqualsAModel(t *testing.T) {
	random := newRand(t)
	for range 300 {
		r, m := NewReassembler(100, 1<<20, 0), map[uint32]*model{}
		for range 400 {
			id, from := random.Uint32N(40), 8*random.IntN(6)
			to, more := from+8*(1+random.IntN(3)), from == 0 || random.IntN(3) > 0 // no atomic ones
			data := bytes.Repeat([]byte{byte(id)}, to-from)
			whole, _ := r.Add(0, randomFragment(id, from, more, data))
			if m[id] == nil {
				m[id] = &model{}
			}
			done := m[id].add(from, to, !more)
			if done != (whole != nil) {
				t.Fatalf("packet %d, octets %d to %d, more %v: whole %v, expected %v", id, from, to, more, whole != nil, done)
			}
			if done {
				if want := packet(b6, a6, 50, bytes.Repeat([]byte{byte(id)}, m[id].total)); !bytes.Equal(whole, want) {
					t.Fatalf("packet %x, expected %x", whole, want)
				}
				delete(m, id)
			}
		}
	}
}

func randomFragment(id uint32, from int, more bool, data []byte) []byte {
	field := uint16(from)
	if more {
		field |= 1
	}
	h := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{50, 0}, field), id)
	return packet(b6, a6, 44, append(h, data...))
}

// model is a packet as the pieces that came for it.
type model struct {
	pieces [][2]int
	total  int
	dead   bool
}

// add reports whether the packet is whole then.
func (m *model) add(from, to int, last bool) bool {
	for _, p := range m.pieces {
		if p == [2]int{from, to} && last == (to == m.total) {
			return false
		}
		m.dead = m.dead || from < p[1] && p[0] < to || last && p[1] > to
	}
	m.dead = m.dead || m.total != 0 && (last || to > m.total)
	if last {
		m.total = to
	}
	m.pieces = append(m.pieces, [2]int{from, to})
	sum := 0
	for _, p := range m.pieces {
		sum += p[1] - p[0]
	}
	return !m.dead && m.total != 0 && sum == m.total
}
