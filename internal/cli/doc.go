// Package cli is the command line of filo: it parses arguments, calls what
// they name and turns errors into exit codes.
package cli
