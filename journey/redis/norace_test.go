//go:build !race

package redis_test

import "time"

// budget of a call's context.
const budget = 20 * time.Millisecond
