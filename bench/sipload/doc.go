// Package sipload proves what package sip promises under load, loss and
// attack, beside programs that others wrote: SIPp makes and takes the calls,
// Kamailio is the relay to compare with and the dispatcher in front of two
// nodes, iptables loses packets.
//
// The promise: an experiment counts outcomes by protocol and from outside, ends
// in a bounded time whatever the thing under test does, and leaves neither a
// process nor a namespace behind. The same experiments run small in the tests,
// which assert outcomes and counts, and large by filo-bench sip run, which
// holds figures against goals.
//
// What is measured is a [B2BUA], the least that can be built of package sip,
// in a process of its own, or a [Node], the whole product. Experiments need
// Linux: CPU times come from /proc.
package sipload
