package app

import "github.com/prometheus/client_golang/prometheus"

// metrics of the program itself.
type metrics struct {
	reloads    *prometheus.CounterVec
	reloadOK   prometheus.Gauge
	reloadTime prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_config_reloads_total", Help: "Configurations that were to be taken over while running, by result (taken, refused).",
		}, []string{"result"}),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "filo_config_reload_success", Help: "Whether the last configuration that was to be taken over was; 1 before the first.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "filo_config_reload_success_timestamp_seconds", Help: "When a configuration was last taken over, since the start or while running.",
		}),
	}
	reg.MustRegister(m.reloads, m.reloadOK, m.reloadTime)
	return m
}

// Reloaded counts a configuration that was to be taken over; err is why it was
// refused. Reload does it itself: this is for who could not read one at all.
func (a *App) Reloaded(err error) {
	if err != nil {
		a.metrics.reloads.WithLabelValues("refused").Inc()
		a.metrics.reloadOK.Set(0)
		return
	}
	a.metrics.reloads.WithLabelValues("taken").Inc()
	a.metrics.reloadOK.Set(1)
	a.metrics.reloadTime.Set(float64(a.now().Unix()))
}
