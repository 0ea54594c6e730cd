package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"filo/internal/config"
)

// web is the one HTTP server.
type web struct {
	cfg      config.HTTP
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
}

// listen binds the server's address at once, so that a taken port is an error
// of the start.
func listen(ctx context.Context, cfg config.HTTP, log *slog.Logger, h http.Handler) (*web, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	if cfg.TLS() {
		cert, err := tls.LoadX509KeyPair(cfg.TLSCertFile, cfg.TLSKeyFile)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("load TLS certificate: %w", err), l.Close())
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	}
	return &web{cfg: cfg, log: log, listener: l, server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// URL is where the server answers.
func (w *web) URL() string {
	scheme := "http"
	if w.cfg.TLS() {
		scheme = "https"
	}
	return scheme + "://" + w.listener.Addr().String()
}

// shutdownTime is what requests in progress get; sockets are closed.
const shutdownTime = 2 * time.Second

func (w *web) run(ctx context.Context) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if err := w.server.Shutdown(sctx); err != nil {
			err = errors.Join(w.server.Close())
			stopped <- err
			return
		}
		stopped <- nil
	})
	defer stop()
	w.server.BaseContext = func(net.Listener) context.Context { return ctx }
	if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return <-stopped
}

// metricsHandler serves /metrics to the networks that may read it.
func metricsHandler(reg *prometheus.Registry, allow []netip.Prefix) http.Handler {
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(from.Addr().Unmap()) }) {
			http.Error(w, "not from here: http.metrics_allow", http.StatusForbidden)
			return
		}
		metrics.ServeHTTP(w, r)
	})
}

// healthHandler answers 200 while the program takes calls.
func healthHandler(up func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // a client that went away
	})
}
