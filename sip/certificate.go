package sip

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

var errNoCertificate = errors.New("holds no certificate")

// certificates reads what a TLS socket needs; nil for other sockets. The error
// begins with the key of the file.
func (l Listen) certificates() (*tls.Config, error) {
	if l.Network != "tls" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("cert_file: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if l.ClientCAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(l.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("client_ca_file: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client_ca_file: %w", errNoCertificate)
	}
	return c, nil
}

// secured is ln with TLS; its certificates are those of the moment.
func (l *listener) secured(ln net.Listener) (net.Listener, error) {
	secrets, err := l.certificates()
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	l.secrets.Store(secrets)
	return tls.NewListener(ln, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return l.secrets.Load(), nil },
	}), nil
}
