// Package trace keeps the last SIP messages of the node, in and out, and draws
// them: one ladder over all legs of a contact, with what happened to its media
// between the messages.
//
// Recorder is a Tap. What it hears goes into a ring that is bounded in bytes,
// as it is on the wire: one copy under a lock, no parsing but of what tells
// background traffic (REGISTER, OPTIONS) from calls, so that phones which
// refresh their registrations do not push out the calls. Call-IDs become a
// contact by Leg, events come by Note. Everything else happens when somebody
// asks, at that reader's cost.
//
// It promises that a Tap never blocks and never allocates for a message, that
// memory stays within the configuration whatever arrives, that a Ladder says
// when its beginning was overwritten, and that what leaves the package is
// redacted by the grammar of each header and body: what the grammar does not
// know to be harmless is removed. Keys and credentials are removed even where
// an operator asks for numbers in clear.
package trace
