// Package journey keeps the thread: who a person is, by evidence; what
// happened with that person on every channel, in order of time; and what a
// call is probably about. It promises that an event which was acknowledged is
// never lost, that a call's context arrives inside the call's budget or says
// that it did not, and that nobody sees more of a customer than the proof of
// identity allows.
package journey
