// Package demo is "filo demo": a node with everything embedded, a shop, and
// robots that play one whole story through the public protocols; then the
// node stays up and a person may be the caller or the agent.
package demo
