package hoststack

import "fmt"

// Limiter is a token bucket: burst tokens at most, refilled at an even rate (RFC 1812 4.3.2.8, RFC 4443 2.4 f). It is owned by
// one goroutine.
type Limiter struct {
	interval int64 // ns for one token
	depth    int64 // ns in which an empty bucket fills
	full     int64 // when the bucket is full again
}

// NewLimiter returns a full bucket of burst tokens that gains perSecond tokens each second. Both are constants of the
// program: it panics where one is below 1.
func NewLimiter(perSecond, burst int) *Limiter {
	if perSecond < 1 || burst < 1 {
		panic(fmt.Sprintf("hoststack: limit of %d in a second, %d at once, expected at least 1", perSecond, burst))
	}
	interval := 1_000_000_000 / int64(perSecond)
	return &Limiter{interval: interval, depth: interval * int64(burst)}
}

// Allow takes a token; false where there is none. now is in nanoseconds of any clock that does not jump; a clock that goes
// back gains nothing.
func (l *Limiter) Allow(now int64) bool {
	full := max(l.full, now) + l.interval
	if full-now > l.depth {
		return false
	}
	l.full = full
	return true
}
