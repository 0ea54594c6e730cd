package trunk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/sip/resolve"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// certificate makes a pair of PEM files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"filo.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return file(t, "cert.pem", block("CERTIFICATE", der)), file(t, "key.pem", block("PRIVATE KEY", raw))
}

func TestFiles(t *testing.T) {
	cert, key := certificate(t)
	one := table(t, Config{
		Name: "a", Server: "sip.example", Servers: []string{"192.0.2.1:5071"}, Transport: "tls", User: "acct", PasswordFile: file(t, "p", "secret\n"),
		TLS:      TLS{CAFile: cert, CertFile: cert, KeyFile: key},
		Register: Register{Registrar: "reg.example", User: "line7", PasswordFile: file(t, "q", "other")},
	}).Trunks()[0]
	require.Equal(t, Account{User: "acct", Password: "secret"}, one.Account())
	require.Equal(t, []resolve.Target{{Host: "sip.example", Transport: resolve.TLS}, {Host: "192.0.2.1", Port: 5071, Transport: resolve.TLS}}, one.Servers())
	r, ok := one.Registration()
	require.True(t, ok)
	require.Equal(t, Registration{
		Account: Account{User: "line7", Password: "other"}, Registrar: resolve.Target{Host: "reg.example", Transport: resolve.TLS},
		Domain: "reg.example", Expires: time.Hour,
	}, r)
	require.Len(t, one.Hosts(), 3)
	conf := one.TLSConfig("sip.example")
	require.Equal(t, "sip.example", conf.ServerName)
	require.Len(t, conf.Certificates, 1)
	require.NotNil(t, conf.RootCAs)

	plain := table(t, Config{Name: "a", Server: "s", Register: Register{Registrar: "r:5070"}, User: "u"}).Trunks()[0]
	r, _ = plain.Registration()
	require.Equal(t, "u", r.User, "the trunk's account")
	require.Equal(t, "h", plain.TLSConfig("h").ServerName)
}

func TestFilesThatAreMissing(t *testing.T) {
	cert, _ := certificate(t)
	_, err := NewTable([]Config{{Name: "ok", Allow: []string{"192.0.2.1"}}, {
		Name: "a", Server: "s", Transport: "tls", User: "u", PasswordFile: "nowhere", TLS: TLS{CAFile: file(t, "ca", "no"), CertFile: cert, KeyFile: cert},
		Register: Register{Registrar: "r", User: "x", PasswordFile: file(t, "empty", "\n")},
	}})
	for _, key := range []string{"[1].password_file: ", "[1].register.password_file: ", "[1].tls.ca_file: ", "[1].tls.cert_file: "} {
		require.ErrorContains(t, err, key)
	}
}
