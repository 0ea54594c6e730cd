package sms

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	webhooks *prometheus.CounterVec // result
	sent     *prometheus.CounterVec // result
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		webhooks: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sms_webhooks_total",
			Help: "Webhook requests by result: received, duplicate, status, forged, bad, unknown_number, failed.",
		}, []string{"result"}),
		sent: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sms_sent_total",
			Help: "Messages handed to the provider by result: sent, refused, failed.",
		}, []string{"result"}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_sms_send_seconds", Help: "Time that the provider took to accept or refuse a message.",
			Buckets: prometheus.ExponentialBuckets(.005, 2, 12), NativeHistogramBucketFactor: 1.1,
		}),
	}
}
