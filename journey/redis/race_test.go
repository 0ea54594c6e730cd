//go:build race

package redis_test

import "time"

// budget of a call's context: the race detector makes the Record ten times slower.
const budget = 50 * time.Millisecond
