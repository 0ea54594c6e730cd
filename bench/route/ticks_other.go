//go:build !amd64

package route

import "time"

var started = time.Now()

// ticks reads the clock: nanoseconds since the program started.
func ticks() uint64 { return uint64(time.Since(started)) } //nolint:gosec // it does not go back
