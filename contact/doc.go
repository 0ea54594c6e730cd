// Package contact holds the words that every other package shares: the
// identifiers, states and values that cross package borders. It imports only
// the standard library and contains no behaviour beyond parsing, printing and
// validating those values.
//
// The words are the field's own: a contact is one piece of work from a
// customer on any channel; an offer is a reservation of an agent for a
// contact; a thread is everything that happened with one customer, in order
// of time.
package contact
