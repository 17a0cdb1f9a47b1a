// Package testbed is what surrounds an appliance in tests, in the demonstration and in benchmarks: a closed-loop traffic
// source with a checker that misses nothing, two appliances joined by in-memory wires, and foreign peers in the folders
// below.
package testbed
