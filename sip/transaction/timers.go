package transaction

import "time"

// Timers of RFC 3261 section 17 (table 4).
const (
	T1 = 500 * time.Millisecond // round trip
	T2 = 4 * time.Second        // longest interval of repeats, but for INVITE requests
	T4 = 5 * time.Second        // longest that a message stays in the network

	// TimeoutAfter is 64*T1: Timers B, D, F, H, J, L and M.
	TimeoutAfter = 64 * T1

	// trying is when an INVITE that has no response yet gets its 100 (section
	// 17.2.1).
	trying = 200 * time.Millisecond
	// sweeping is how often the layer looks for requests that the user never
	// answered.
	sweeping = 8 * T1
)

// Marks of the clock say which of a transaction's timers fires.
const (
	markResend uint32 = iota // Timers A, E, G, or B, F, L, M when nothing is to be repeated
	markExpire               // B, F or H: the last interval
	markTrying               // the 100 is due
)

// interval is the next interval of a timer that would wait for wait, when
// elapsed of its 64*T1 have passed: the clock knows only few durations.
func interval(wait, elapsed time.Duration) (time.Duration, uint32) {
	if elapsed+wait > TimeoutAfter {
		return T1, markExpire
	}
	return wait, markResend
}
