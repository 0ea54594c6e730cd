// Package transporttest is a network in memory, for tests of what is built on
// packet sockets and listeners.
//
// The promise: it is made of channels, so that it works in a testing/synctest
// bubble, and loses nothing unless told to.
package transporttest
