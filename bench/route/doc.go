// Package route measures the routing core: how long one decision takes in a
// world of given size, and what that is in loads from memory and beside a
// plain scan, both measured in the same run.
//
// # Worlds
//
// A world is drawn from a seed. Its agents have one of 6 x sqrt(agents)
// profiles (the popular ones more often) of 2 to 5 skills, of 2 to 26 when
// there are 100 skills or more; its contacts are of one of 40 kinds, or of
// 1,000: 1 to 3 skills with a minimum proficiency, and one of 4 priorities.
// Skills and kinds are drawn by Zipf's law: some are asked for all the time,
// most hardly ever. No kind asks for what nobody has. In a distinct world
// nothing repeats: each agent has 50 skills at levels of its own, each contact
// asks for 3 random skills at a random minimum, so that hardly anyone fits.
//
// # What is measured
//
// The backlog waits for mail, which no agent takes at first, while half of the
// agents are idle for calls. [Result.Arrive] is one State.Apply of a call that
// arrives and is offered to the best of them; so an arrival is measured beside
// the whole backlog, with every profile and kind in play. Then every agent is
// busy and takes mail: [Result.Free] is one Apply that ends the wrap-up of a
// random agent, who is offered the best of the backlog. Each contact taken is
// followed by one of its kind, so that the backlog stays what it is however
// long the run. [Result.Queue] are the arrivals that nobody could take, and
// [Result.Idle] agents who became free and found nothing.
//
// Cycles are whole lives of contacts (arrive, offer, accept, complete, wrap-up
// end) in a tight loop, by the clock and by the processor time used: beside the
// backlog or, without one, with half of the agents idle. What the loop does itself is in that figure.
//
// Single calls are timed by the processor's counter, calibrated against the
// clock, less the measured cost of reading it; without such a counter by the
// clock, in the same way. The world's set-up is not timed, the garbage
// collector is off, the first samples are thrown away and every later one is
// kept: interrupts are in the p99.9.
//
// Some decisions are made again by plain loops over all agents, or all that
// wait, by the keys of the published order (see package router/core). They
// must agree, else the run fails; their time is [Result.Brute].
package route
