package voice

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	calls         prometheus.Gauge
	lines         prometheus.Gauge
	results       *prometheus.CounterVec
	inviteToOffer prometheus.Histogram
	setup         prometheus.Histogram
	acceptToAudio prometheus.Histogram
	phone         *prometheus.CounterVec
	lineLost      prometheus.Counter
	transfers     *prometheus.CounterVec
	consults      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	histogram := func(name, help string) prometheus.Histogram {
		return f.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help,
			Buckets:                         []float64{.0005, .001, .002, .003, .005, .0075, .01, .02, .04, .08, .15, .3, 1, 5},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		})
	}
	return &metrics{
		calls: f.NewGauge(prometheus.GaugeOpts{Name: "filo_voice_calls", Help: "Customers' calls being conducted."}),
		lines: f.NewGauge(prometheus.GaugeOpts{Name: "filo_voice_lines", Help: "Standing browser lines of agents."}),
		results: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_voice_calls_total", Help: "Customers' calls that ended, by result.",
		}, []string{"result"}),
		inviteToOffer: histogram("filo_voice_invite_to_offer_seconds", "From the caller's INVITE to the first offer to an agent, for calls that skipped the menu."),
		setup:         histogram("filo_voice_setup_seconds", "From the caller's INVITE to our 200."),
		acceptToAudio: histogram("filo_voice_accept_to_audio_seconds", "From the agent's acceptance to audio both ways, at RTP."),
		phone: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_voice_phone_rings_total", Help: "INVITEs to agents' SIP phones, by how they ended.",
		}, []string{"result"}),
		transfers: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_voice_transfers_total", Help: "Transfers by agents, by manner (blind, attended) and destination (agent, queue, number).",
		}, []string{"manner", "to"}),
		consults: f.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_voice_consults_total", Help: "Consultations, by how the ringing ended.",
		}, []string{"result"}),
		lineLost: f.NewCounter(prometheus.CounterOpts{Name: "filo_voice_line_lost_total", Help: "Agents' lines that fell silent during a call."}),
	}
}
