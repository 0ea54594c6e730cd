// Package ivr runs call flows: what a caller hears, and what the keys do,
// before a person answers.
//
// A flow is a YAML file. [Parse] reads it strictly and reports every mistake
// at once, each with its line: unknown keys and targets, steps that nothing
// leads to, loops that never wait for the caller, prompts without a text in
// one of the flow's languages, expressions that do not compile. A flow that
// Parse accepted therefore ends, whatever the caller does.
//
// [Run] plays a flow on a [Port] and returns an [Outcome], a value: wait in a
// queue, transfer, hang up. It touches nothing else, so that a flow runs the
// same on a telephone line, in the terminal (ivr/terminal) and in a test.
//
// [Ask] puts the one question that the journey advises when it is nearly sure
// why somebody calls.
package ivr
