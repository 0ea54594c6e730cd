// Package email connects mail: an SMTP listener in, a configured relay out.
//
// It promises that a mail which was answered with 250 is on the thread
// durably, its original included, and that nothing is relayed: only the
// configured inboxes receive. A reply of the customer finds its thread by our
// own signature (in the plus-address that replies go to, or in our
// Message-ID), else by References if the same person wrote both; never by
// In-Reply-To alone, for then a newsletter would join strangers. Machines that
// answer machines are not answered.
//
// Mail from outside is bounded before it is parsed: size, depth, parts and
// how much bigger it becomes by decoding.
package email
