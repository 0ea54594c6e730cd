// Package web holds the built pages of desk and shop, so that one binary
// carries them. Before the pages are built it holds a page that says how to
// build them.
package web
