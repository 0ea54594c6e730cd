// Package router decides who serves whom, now. It is the one goroutine round
// the pure core: it turns names into handles, reads the clock, keeps one timer
// at the core's next deadline, tells owners of contacts and desks of agents
// what was decided, and explains each decision.
//
// The promise: what the core decides is applied in one order. An offer that
// was accepted, expired, refused or withdrawn in that order has exactly one
// end, and whoever comes second gets [contact.ErrOfferGone]. Every method is a
// command to the loop, safe from any goroutine, and answered in microseconds;
// the loop never waits for anybody who listens to it.
//
// Whoever places a contact owns it by its [Ticket]: the call's goroutine for a
// call, channel/message for a mail. Agents are signed in, made ready and
// reached through the methods of [Router]; their desks follow them by
// [Router.Watch].
//
// The order of preference is published by package filo/router/core.
package router
