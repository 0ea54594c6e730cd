// Package sqlite is the embedded Record of the journey: one SQLite file with
// a write-ahead log, synced at every commit. It promises that an event which
// it acknowledged exists after kill -9, that one writer serves all
// goroutines with group commits, and that reads never wait for it.
package sqlite
