package tsc

import "testing"

func BenchmarkClockNow(b *testing.B) {
	c := New()
	for b.Loop() {
		c.Now()
	}
}

// The lost-packet timer of a busy SA: pushed back by every packet, hardly ever fired.
func BenchmarkWheelRearm(b *testing.B) {
	w, now := NewWheel(1000, 1024), int64(0)
	for b.Loop() {
		now += 100
		w.Arm(uint32(now/100)%1024, now+1_000_000)
	}
}

// An empty turn of the loop: time has moved, nothing is due.
func BenchmarkWheelAdvanceIdle(b *testing.B) {
	w, fired, now := NewWheel(1000, 1024), make([]uint32, 32), int64(0)
	w.Arm(0, 1<<62)
	for b.Loop() {
		now += 100
		w.Advance(now, fired)
	}
}

// A thousand slots of constant-rate SAs, each armed again when it fires: ns/op is one arming and one firing.
func BenchmarkWheelArmAndFire(b *testing.B) {
	const timers, interval = 1024, 1_000_000
	w, fired, now := NewWheel(1000, timers), make([]uint32, 32), int64(0)
	for id := range uint32(timers) {
		w.Arm(id, int64(id)*interval/timers)
	}
	n := 0
	for b.Loop() {
		for n == 0 {
			now += 1000
			n = w.Advance(now, fired)
		}
		n--
		w.Arm(fired[n], now+interval)
	}
}
