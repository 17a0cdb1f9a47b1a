// Package bench measures what packets cost, in nanoseconds of CPU time, side by side with a reference in the same run.
//
// A scenario is one way packets go out and come back: a circuit. The runner drives all circuits of one packet size in
// turn, A B C C B A in each round, so that a machine that slows down or speeds up does so for all of them, and every
// comparison is made between samples of one round. What is reported is medians over rounds with the smallest and the
// largest, and of each comparison the median of the paired differences with its interval.
//
// Time is CPU time of the one thread that works, so other programs cost precision and not truth. Every packet of every
// pass is authenticated, taken back and compared with what was sent, outside the timed parts: a fast wrong answer is an
// error.
//
// To add a scenario: one file with a circuit, one row in the table of scenarios.
//
// What it does not do: no NIC, no wire time, no latency, one lcore. Packets are in the cache when their turn comes, and
// the AEAD back-end is the portable one.
package bench
