// Package archtest keeps the architecture as ARCHITECTURE.md draws it: which
// package may import which, who alone owns an outside module, and the few
// rules that a review would otherwise repeat. It parses the tree itself
// instead of asking the go command, so that the test cache sees every file
// the verdict rests on.
package archtest
