package bench

// circuit is a way out and back for a set of packets. The two directions are timed apart, everything else is not timed.
// out and in return how many packets they handled; what goes wrong in them is reported by carry and check, so that the
// timed parts need not stop for it. Owned by one goroutine.
type circuit interface {
	// out is the timed way out. It starts with packets as the constructor or check left them.
	out() int
	// carry takes what came out to where in begins.
	carry() error
	// in is the timed way back.
	in() int
	// check compares what came back with what was sent and makes it ready for the next pass.
	check() error
	// close gives the memory back. It fails where a packet was lost track of.
	close() error
}
