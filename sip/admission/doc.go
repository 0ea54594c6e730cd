// Package admission decides which requests are served when there are too many,
// and who is not served at all.
//
// The promise: as long as requests wait too long in the kernel's queue, new
// ones are answered 503 with a Retry-After before anything is parsed, so that
// those that were let in are served in time. What belongs to a dialog, what
// repeats a request being served, and calls for help are never turned away.
// Strangers (neither a trunk nor somebody registered) are served at a bounded
// rate each, and who keeps guessing passwords is not heard for a while. All of
// it is bounded in memory, whatever addresses the packets claim to come from.
//
// [Gate] is the transport's gate; the parts behind it are plain state machines
// that are told the time.
package admission
