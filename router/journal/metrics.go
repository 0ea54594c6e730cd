package journal

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	bytes     prometheus.Counter
	records   prometheus.Counter
	fsync     prometheus.Histogram
	group     prometheus.Histogram
	degraded  prometheus.Gauge
	errors    prometheus.Counter
	dropped   prometheus.Counter
	stalls    prometheus.Counter
	snapshots prometheus.Counter
	snapshot  prometheus.Histogram
}

// newMetrics registers the counters; lag tells how many records are not durable.
func newMetrics(reg prometheus.Registerer, lag func() float64) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "filo_router_journal_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_router_journal_" + name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		})
	}
	seconds := []float64{1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, .1, .5, 1, 5}
	m := &metrics{
		bytes:     counter("bytes_total", "Bytes written to the routing journal."),
		records:   counter("records_total", "Records written to the routing journal."),
		fsync:     histogram("fsync_seconds", "Time that the disk took to make a group of records durable.", seconds),
		group:     histogram("group_records", "Records that shared one sync.", prometheus.ExponentialBuckets(1, 4, 9)),
		degraded:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "filo_router_journal_degraded", Help: "1 while acknowledgements do not wait for the disk because it fails or hangs."}),
		errors:    counter("errors_total", "Failures to write, to sync or to make a snapshot."),
		dropped:   counter("dropped_records_total", "Records that never came to the disk because it failed or hung; a snapshot took their place."),
		stalls:    counter("stalls_total", "Times that the router's loop had to wait for the journal's shadow."),
		snapshots: counter("snapshots_total", "Snapshots made."),
		snapshot:  histogram("snapshot_seconds", "Time from the request for a snapshot until it was durable.", seconds),
	}
	durableLag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "filo_router_journal_lag_records", Help: "Records that are not durable yet.",
	}, lag)
	var errs []error
	for _, c := range []prometheus.Collector{
		m.bytes, m.records, m.fsync, m.group, m.degraded, m.errors, m.dropped, m.stalls, m.snapshots, m.snapshot, durableLag,
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
