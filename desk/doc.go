// Package desk is what agents and supervisors work with: the HTTP API, the
// event socket and the embedded web app of API.md. It promises that a desk
// shows what the router and the thread say within 300 ms, that a lost
// connection loses no frame, and that no byte of a customer leaves above the
// contact's disclosure tier.
//
// One goroutine per signed-in agent, the seat, owns all that this agent's
// desk shows; Desk.Run starts and joins them. Sockets, commands and the other
// packages talk to a seat through its inbox. The desk decides nothing about
// routing: it translates.
package desk
