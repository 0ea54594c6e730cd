package web

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec // call, result
	events   *prometheus.CounterVec // kind, result
	scrubbed prometheus.Counter
	links    *prometheus.CounterVec // result
	tokens   *prometheus.CounterVec // result
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		requests: counter("filo_web_requests_total", "Requests by HTTP status class of the answer.", "status"),
		events:   counter("filo_web_events_total", "Events by kind and result: stored, duplicate, failed.", "kind", "result"),
		scrubbed: f.NewCounter(prometheus.CounterOpts{
			Name: "filo_web_scrubbed_values_total", Help: "Card numbers, codes and passwords that were removed before storing.",
		}),
		links:  counter("filo_web_signed_links_total", "Signed links that visitors came by, by result: good, bad.", "result"),
		tokens: counter("filo_web_call_tokens_total", "Click-to-call tokens by result: issued, used, refused.", "result"),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_web_commit_seconds", Help: "Time to store the events of one request.",
			Buckets: prometheus.ExponentialBuckets(.0005, 2, 14), NativeHistogramBucketFactor: 1.1,
		}),
	}
}
