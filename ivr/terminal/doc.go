// Package terminal plays a call flow as text: what the caller would hear is
// printed, the keys are typed. A line holds keys ("1", "123#"), an empty line
// is silence, the end of the input is the caller hanging up.
package terminal
