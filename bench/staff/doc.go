// Package staff computes how many agents a contact centre needs, interval by
// interval: the least number that keeps every target, with what the measures
// are with it and with one agent less.
//
// # Real-time work
//
// Each interval is taken by itself, in steady state (the "stationary,
// independent, period by period" approach): Poisson arrivals at the forecast
// rate, exponential handle time, callers in one line. Without patience it is
// Erlang C, with it Erlang A; see package queueing for the formulas. The limits
// are known: an interval should last several handle times, and what an
// overloaded interval leaves to the next is not seen, which is why targets that
// keep every interval out of overload are the ones to plan by. Service level is
// the share of all contacts that is answered in time: who gives up has not been.
//
// Scheduled are the agents that a roster must hold so that, after the shrinkage
// of breaks, training and absence, the needed ones are there.
//
// # Backlog
//
// Work that may wait for hours (e-mail) is carried over from interval to
// interval. It is a fluid: contacts come evenly over each interval, and agents
// work the oldest first at one over the handle time each; nothing is random.
// A contact is in time if work on it begins at the latest one handle time
// before its deadline. For a backlog of many contacts that is close to what
// happens, because chance evens out over hours; it is too hopeful when a
// deadline is as short as a few handle times, or for a handful of contacts a
// day. A stream gets the least number of agents, the same in every interval,
// that has the asked share in time and not more than the allowed rest left at
// the end of the plan. Between intervals that do not touch nobody works, but the
// clock of the deadlines runs.
//
// If a stream says so, the idle time of the real-time agents works on it as
// well: what one less their occupancy leaves. That supposes that a contact is
// put down the moment a caller comes, at no cost.
//
// # Several skills
//
// No formula knows several skills, priorities and channels together. [Simulate]
// plays a scenario of package sim with the routing core instead and looks for
// the least numbers in its groups of agents that keep its bounds.
package staff
