// Package message conducts every asynchronous contact: mail, SMS and whatever
// connector comes next. It promises that a message which a connector has
// acknowledged is on the thread and, if somebody has to answer it, is an open
// contact that survives a restart with its age; that one thread of messages is
// one contact while it is open; and that a reply which left is on the thread
// too.
//
// A connector hands in what it received with [Conductor.Received] and sends
// what it is given by [Connector]. Everything between the two (the queue, the
// offer, the agent, the wrap-up) is here, alike for all channels.
package message
