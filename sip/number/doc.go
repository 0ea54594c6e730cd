// Package number reads and writes telephone numbers and says which may be
// dialled.
//
// The promise: what [Rules] lets pass is one number, fully qualified, of a kind
// that the numbering plan knows, and it is written anew from that reading.
// Nothing of the text that somebody typed, pasted or sent in a header reaches a
// carrier, so that no spelling makes two readers disagree about what is called.
//
// It is pure: no clock, no I/O.
package number
