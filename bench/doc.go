// Package bench is the load test that ops run before they trust a contact
// centre: it places calls at a stated rate with robot callers, lets robot
// agents answer them, and tells from the outside what callers and agents saw.
// Latencies count from the intended start of a call, so that a slow server
// cannot hide by slowing the generator down.
package bench
