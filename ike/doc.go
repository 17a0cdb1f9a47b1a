// Package ike is IKEv2 (RFC 7296) without sockets, clocks or goroutines: time, datagrams and what the data plane has to say
// go in; datagrams, operations on SAs, public-key work and the next deadline come out.
//
//	Receive, Tick, Finish, Acknowledge, Initiate ...  ->  Engine  ->  Take: datagrams, operations, jobs, events; Deadline
//
// One goroutine owns an Engine and with it every IKE SA. Slow work (Diffie-Hellman, signatures, certificates) is handed out
// as a Job, a pure function for a pool of workers, and its result comes back by Finish. Operations on SAs are acknowledged
// by the data plane, and an exchange that depends on one waits: the answer to a peer leaves when the lcore listens
// (RFC 7296 2.8; DESIGN.md 6).
//
// A task is one exchange that this end starts, a handler answers one that the peer starts; each has a file of its own. The
// SA (sa.go, exchange.go) owns message IDs, the window, retransmission, encryption and fragments, so that tasks deal in
// payloads. What may be in a message is a table (rules.go).
package ike
