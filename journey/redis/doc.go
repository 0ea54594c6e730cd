// Package redis is the shared hot store and feed of the journey, for several
// nodes that look at the same customers. It promises that a Redis that is
// down, hangs or answers slowly costs one call its own short time-out and the
// following ones nothing, and that whoever reads the Redis learns neither who
// the customers are nor what they did: identities are keyed hashes, contents
// are sealed.
package redis
