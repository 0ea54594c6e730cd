// Command gotest runs "go test -json" with the arguments after "--", prints
// one line a package and the output of what failed or was skipped, and writes
// how many tests passed and failed to the file given by -o.
package main
