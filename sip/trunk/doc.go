// Package trunk knows what is agreed with the peers at the other end of our
// trunks, and decides by it: who may call, what their numbers mean, which trunk
// a number is dialled by and how it is written there, what caller is shown, and
// how many calls may run.
//
// The promise: a number leaves only by a trunk whose list allows it, under a
// caller's number that this trunk may show, and a trunk that is full, too fast
// or down never takes a call that another could have. It decides only: it opens
// no socket and reads no clock, and a [Table] never changes.
package trunk
