package message

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"filo/contact"
)

type metrics struct {
	received *prometheus.CounterVec   // channel, result
	replies  *prometheus.CounterVec   // channel, result
	closed   *prometheus.CounterVec   // channel, result
	open     *prometheus.GaugeVec     // channel, state
	commit   *prometheus.HistogramVec // channel
	send     *prometheus.HistogramVec // channel
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	histogram := func(name, help string) *prometheus.HistogramVec {
		return f.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(.0005, 2, 16),
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		}, []string{"channel"})
	}
	return &metrics{
		received: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_message_received_total",
			Help: "Messages that connectors handed in, by what became of them: opened, joined, duplicate, quiet, failed.",
		}, []string{"channel", "result"}),
		replies: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_message_replies_total",
			Help: "Replies of agents, by what became of them: sent, failed, unrecorded.",
		}, []string{"channel", "result"}),
		closed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_message_closed_total",
			Help: "Asynchronous contacts that ended, by result.",
		}, []string{"channel", "result"}),
		open: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_message_open_contacts",
			Help: "Asynchronous contacts that are open, by state: waiting, connected.",
		}, []string{"channel", "state"}),
		commit: histogram("filo_message_commit_seconds", "Time from a message's arrival at the conductor to its durable commit."),
		send:   histogram("filo_message_send_seconds", "Time that a connector took to hand a reply over."),
	}
}

// moved counts one open contact from one state to another; "" is outside.
func (m *metrics) moved(ch contact.Channel, from, to string) {
	if from != "" {
		m.open.WithLabelValues(string(ch), from).Dec()
	}
	if to != "" {
		m.open.WithLabelValues(string(ch), to).Inc()
	}
}

func since(o prometheus.Observer, start, end time.Time) { o.Observe(end.Sub(start).Seconds()) }
