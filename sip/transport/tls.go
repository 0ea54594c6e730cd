package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// clientTLS does the handshake of a connection that we opened; the certificate
// must be for the host that was dialled, unless DialTLS names another.
func (l *Layer) clientTLS(ctx context.Context, nc net.Conn, hostPort string) (net.Conn, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.opts.DialTLS != nil {
		cfg = l.opts.DialTLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(hostPort)
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return tc, nil
}
