package email

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connections prometheus.Gauge
	refused     *prometheus.CounterVec // reason
	mails       *prometheus.CounterVec // result
	sent        *prometheus.CounterVec // result
	bytes       prometheus.Counter
	seconds     prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		connections: f.NewGauge(prometheus.GaugeOpts{
			Name: "filo_email_connections", Help: "SMTP connections that are open.",
		}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_email_refused_connections_total", Help: "SMTP connections refused, by reason: total, address.",
		}, []string{"reason"}),
		mails: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_email_received_total",
			Help: "Mails by result: received, duplicate, quiet, bounce, loop, malformed, failed.",
		}, []string{"result"}),
		sent: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_email_sent_total", Help: "Mails handed to the relay by result: sent, refused, failed.",
		}, []string{"result"}),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: "filo_email_received_bytes_total", Help: "Bytes of mails that were received.",
		}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_email_send_seconds", Help: "Time that the relay took to accept or refuse a mail.",
			Buckets: prometheus.ExponentialBuckets(.005, 2, 13), NativeHistogramBucketFactor: 1.1,
		}),
	}
}
