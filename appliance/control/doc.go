// Package control is the control core: it runs the IKE engine, gives its time and datagrams, does its public-key work on a
// pool of workers, and installs what it negotiates on the lcores. It owns the generation that the lcores forward by.
//
//	punt rings -> host stack -> IKE datagrams -> engine -> operations -> command ring -> lcores
//	event rings (acquire, limits, moves, misses) -> engine, host stack
//	acks -> installer -> generation -> engine -> answers -> host stack -> inject ring
//
// One goroutine owns a Core and calls Step; with a clock of its own (tests) everything happens inside Step, with Run jobs go
// to workers. Everybody else asks by Do.
package control
