// Command filo is the contact centre. Run it without arguments for its usage.
package main

import (
	"os"

	"filo/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
