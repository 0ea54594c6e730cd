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
// # Restart
//
// With a journal ([Config.Journal], package filo/router/journal) a restart goes
// on where the router stopped or was killed. An acceptance is told, to the
// contact's owner, to the agent's desks and to who asked for it, only after its
// durable commit; nothing else waits for the disk, and a disk that fails or
// hangs is not waited for longer than the journal's CommitTimeout.
//
// The restart rule is made of commands, so it is journalled, too. Agents stay
// signed in but are not ready, so that open offers are void; who has not signed
// in again after [Deps.RestartHold] is signed out. Calls end as
// [contact.LostRestart], and the same number has its place again if it calls
// within ten minutes. Messages keep age and order; one that an agent had waits
// for that agent first. Their owners place them again, which gives them their
// Ticket; until that is done, or for a second, nobody is ready. What is still
// without an owner then is withdrawn.
//
// Decisions and why, forecasts, agents' own words for not being ready and
// wrap-up that was asked for are not journalled: they begin anew.
//
// The order of preference is published by package filo/router/core.
package router
