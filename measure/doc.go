// Package measure keeps one record per segment of a contact and owns the only
// formulas of the house: every screen, report and metric that speaks of
// service level, answer time, abandonment, handle time, occupancy or RONA
// reads them here, the same on every channel.
//
// The promise: numbers are computed from records, never from other numbers
// (no averages of averages, no percentiles of percentiles); each formula is in
// formula.go with its words; memory is bounded.
package measure
