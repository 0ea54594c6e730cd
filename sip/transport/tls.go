package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// handshake secures a connection that we opened to hostPort. The peer must
// prove to be that host, unless cfg names another; nil takes the system's
// authorities.
func handshake(ctx context.Context, nc net.Conn, hostPort string, cfg *tls.Config) (net.Conn, error) {
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = net.SplitHostPort(hostPort)
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return tc, nil
}
