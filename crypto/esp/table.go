package esp

import (
	"errors"
	"fmt"
	"unsafe"
)

// The reasons for which a slot takes no SA; they come wrapped with the slot's number.
var (
	// ErrSlot: the number is outside the table.
	ErrSlot = errors.New("no such slot")
	// ErrSlotInUse: the slot holds an SA that was not removed.
	ErrSlotInUse = errors.New("slot is in use")
)

// occupancy says which slots hold an SA. It is the builder's own: the lcore has the records for that.
type occupancy []bool

// vacant returns nil for a slot that can take an SA.
func (o occupancy) vacant(slot uint32) error {
	switch {
	case uint64(slot) >= uint64(len(o)):
		return fmt.Errorf("esp: install sa in slot %d: %w, want less than %d", slot, ErrSlot, len(o))
	case o[slot]:
		return fmt.Errorf("esp: install sa in slot %d: %w", slot, ErrSlotInUse)
	}
	return nil
}

// holds reports whether slot holds an SA.
func (o occupancy) holds(slot uint32) bool { return uint64(slot) < uint64(len(o)) && o[slot] }

// checkTable panics for a table that the back-end's key table cannot serve.
func checkTable(slots, keys int) {
	if slots < 1 || slots > keys {
		panic(fmt.Sprintf("esp: table of %d slots over %d key slots: want 1 to that many", slots, keys))
	}
}

// newRecords returns a table of records that begins on a cache line. The allocator promises that for no object below 32
// KiB that holds pointers, so smaller tables get the capacity of a larger one.
func newRecords[T any](slots int) []T {
	const large = 32<<10 + 1
	var one T
	return make([]T, slots, max(slots, large/int(unsafe.Sizeof(one))+1))
}
