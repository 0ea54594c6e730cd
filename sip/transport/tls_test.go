package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	der, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.key = key
	var err error
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	return der, key
}

// leaf is a certificate for names and addresses.
func (a *authority) leaf(names ...string) tls.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, key := a.sign(template)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// end is a layer on real sockets.
type end struct {
	*heard
	layer *Layer
	addr  string // of its TLS listener
}

func newEnd(t *testing.T, server *tls.Config) *end {
	t.Helper()
	e := &end{heard: &heard{}}
	e.layer = New(t.Context(), Options{Observer: e.heard}, e.heard)
	t.Cleanup(e.layer.Close)
	if server != nil {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
		require.NoError(t, err)
		e.addr = ln.Addr().String()
		require.NoError(t, e.layer.Stream(ln, TLS))
	}
	e.layer.Start()
	return e
}

func TestTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	server := newEnd(t, &tls.Config{
		Certificates: []tls.Certificate{ca.leaf("127.0.0.1", "sbc.example.com")}, MinVersion: tls.VersionTLS12,
		ClientCAs: ca.pool, ClientAuth: tls.RequireAndVerifyClientCert,
	})
	cases := []struct {
		name string
		cfg  *tls.Config
		ok   bool
	}{
		{"right", &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{ca.leaf("filo")}}, true},
		{"by a name", &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{ca.leaf("filo")}, ServerName: "sbc.example.com"}, true},
		{"another name", &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{ca.leaf("filo")}, ServerName: "evil.example.com"}, false},
		{"unknown authority", &tls.Config{RootCAs: stranger.pool, Certificates: []tls.Certificate{ca.leaf("filo")}}, false},
		{"no certificate of ours", &tls.Config{RootCAs: ca.pool}, false},
		{"certificate of a stranger", &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{stranger.leaf("filo")}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := newEnd(t, nil)
			c.cfg.MinVersion = tls.VersionTLS12
			f, err := client.layer.ConnectTLS(server.addr, c.name, c.cfg)
			require.NoError(t, err)
			before := len(server.callIDs())
			require.NoError(t, f.Send([]byte(strings.Replace(streamed("over tls", "x"), "TCP", "TLS", 1))))
			if !c.ok {
				require.Eventually(t, func() bool { return len(client.ends()) == 1 }, 5*time.Second, time.Millisecond)
				require.False(t, f.Alive())
				require.Len(t, server.callIDs(), before)
				return
			}
			require.Eventually(t, func() bool { return len(server.callIDs()) == before+1 }, 5*time.Second, time.Millisecond)
			back, m := server.last()
			require.Equal(t, TLS, back.Network())
			require.NoError(t, back.Send([]byte(gosip.NewResponseFromRequest(m.(*gosip.Request), 200, "OK", nil).String())))
			require.Eventually(t, func() bool { return len(client.callIDs()) == 1 }, 5*time.Second, time.Millisecond)
			again, err := client.layer.ConnectTLS(server.addr, c.name, c.cfg)
			require.NoError(t, err)
			require.Equal(t, f, again)
			other, err := client.layer.ConnectTLS(server.addr, "other", c.cfg)
			require.NoError(t, err)
			require.NotEqual(t, f, other, "another trunk's certificate is another connection")
		})
	}
}
