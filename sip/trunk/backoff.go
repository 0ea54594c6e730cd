package trunk

import "time"

// Waits between attempts to register (after RFC 5626 section 4.5, shorter at
// first: a provider's restart takes seconds).
const (
	backoffBase = 2 * time.Second
	backoffMax  = 5 * time.Minute
	// A registrar that knows us and says no is not asked again before this: many
	// lock an account, or the address, after a few wrong passwords.
	backoffRefused = time.Minute
)

// Backoff is how long to wait after the failures-th failure in a row (1 for
// the first), between half and all of a time that doubles each time. draw
// returns a uniform number in [0, 1).
func Backoff(failures int, refused bool, draw func() float64) time.Duration {
	wait := backoffBase
	if refused {
		wait = backoffRefused
	}
	for range failures - 1 {
		if wait = 2 * wait; wait >= backoffMax {
			wait = backoffMax
			break
		}
	}
	return wait/2 + time.Duration(draw()*float64(wait/2))
}

// RefreshAfter is when to register again that holds for granted: early enough
// for all repetitions of a lost request, and no sooner than needed.
func RefreshAfter(granted time.Duration) time.Duration {
	const repetitions = 32 * time.Second
	if granted > 4*repetitions {
		return granted - 2*repetitions
	}
	return max(time.Second, granted/2)
}
