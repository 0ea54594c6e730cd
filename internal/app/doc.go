// Package app makes one program of the packages: it reads the configuration,
// builds the parts in the order of their needs, runs them, and stops them in
// the reverse order. It owns the one HTTP server and the command line of
// filo; it decides nothing about calls.
package app
