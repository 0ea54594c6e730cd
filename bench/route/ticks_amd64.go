package route

// ticks reads the processor's time stamp counter, which goes at one rate
// whatever the core's frequency. It waits for the instructions before it.
//
//go:noescape
func ticks() uint64
