// Package sim runs the real routing core in virtual time. A scenario file says
// who calls, how long they talk and wait, who is there to answer and by which
// rules; [Run] plays it in several independent replications, one router/core
// State each, and tells what callers and agents would see, with confidence
// intervals.
//
// No rule of routing is written here: every arrival, acceptance, end and
// abandonment is a command to State.Apply, and the core's effects say what
// happens next. So a scenario whose answer is known by theory is a test of the
// core, and a scenario of one's own centre is a forecast of what the core would
// do with it.
//
// The same scenario and seed give the same result, bit by bit, on any number
// of processors. Each class draws arrivals, service times, patience and the
// rest from streams of its own, so that two policies meet the same callers.
package sim
