package email

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

// deliver speaks SMTP and returns what the server answered to the mail.
func deliver(t *testing.T, addr, from string, to []string, text string) error {
	t.Helper()
	c, err := smtp.Dial(addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Hello("client.example"))
	if err := c.Mail(from); err != nil {
		return err
	}
	for _, rcpt := range to {
		if err := c.Rcpt(rcpt); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func code(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}

func TestMailBySMTPReachesTheConductor(t *testing.T) {
	d := &desk{}
	c := testChannel(t, testConfig(), d)
	serve(t, c)
	text := mailText("Buongiorno,\nquando arriva?\n\n-- \nGiulia Rossi\nTel. 347 555 4419\n", giulia...)
	require.NoError(t, deliver(t, c.Addr(), "giulia@example.com", []string{"HELP@shop.example"}, text))
	require.Len(t, d.mails(), 1)
	in := d.mails()[0]
	require.Equal(t, "m1@example.com", in.Event.SourceID)
	require.Equal(t, contact.Email, in.Event.Channel)
	require.Equal(t, "Consegna? è tardi", in.Subject)
	require.Equal(t, "Buongiorno, quando arriva?", in.Event.Summary)
	require.Equal(t, []journey.Identity{{Type: journey.Mail, Value: "giulia@example.com"}}, in.Event.Identities)
	require.Equal(t, "Giulia Rossi", in.Event.Attrs["from_name"])
	require.Equal(t, "support", in.Target.Queue)
	require.Equal(t, "it", in.Target.Lang)
	require.Equal(t, "giulia@example.com", in.Peer)
	require.Equal(t, "Help@shop.example", in.Inbox)
	require.Len(t, in.Event.Evidence, 1)
	require.Equal(t, journey.FromSignature, in.Event.Evidence[0].Source)
	require.Equal(t, "+393475554419", in.Event.Evidence[0].B.Value)
	last := in.Event.Contents[len(in.Event.Contents)-1]
	require.Equal(t, "message/rfc822", last.Type)
	require.Equal(t, text, string(last.Data))

	require.NoError(t, deliver(t, c.Addr(), "giulia@example.com", []string{"help@shop.example"}, text))
	require.Len(t, d.mails(), 1, "the same mail again")
	other := strings.Replace(text, "quando", "dove", 1)
	require.NoError(t, deliver(t, c.Addr(), "giulia@example.com", []string{"help@shop.example"}, other))
	require.Len(t, d.mails(), 2, "another mail with a Message-ID used before")
}

func TestMailIsRefused(t *testing.T) {
	circles := append([]string{}, giulia...)
	for range maxReceived + 1 {
		circles = append(circles, "Received: from a by b")
	}
	cfg := testConfig()
	cfg.MaxSize, cfg.MaxRecipients = 8<<10, 2
	tests := []struct {
		name, from string
		to         []string
		text       string
		err        error
		code       int
	}{
		{"no such inbox", "g@example.com", []string{"root@shop.example"}, "", nil, 550},
		{"relaying", "g@example.com", []string{"someone@elsewhere.example"}, "", nil, 550},
		{"too many recipients", "g@example.com", []string{"help@shop.example", "lists@shop.example", "help@shop.example"}, "", nil, 452},
		{"too large", "g@example.com", []string{"help@shop.example"}, mailText(strings.Repeat("x\n", 8<<10), giulia...), nil, 552},
		{"no From", "g@example.com", []string{"help@shop.example"}, mailText("hi", "Subject: x"), nil, 554},
		{"from our own inbox", "g@example.com", []string{"help@shop.example"}, mailText("hi", "From: help@shop.example", "Message-ID: <x@y>"), nil, 554},
		{"in circles", "g@example.com", []string{"help@shop.example"}, mailText("hi", circles...), nil, 554},
		{"foreign bounce", "", []string{"help@shop.example"}, mailText("hi", giulia...), nil, 554},
		{"store is down", "g@example.com", []string{"help@shop.example"}, mailText("hi", giulia...), errors.New("disk full"), 451},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{err: tt.err}
			c := testChannel(t, cfg, d)
			serve(t, c)
			require.Equal(t, tt.code, code(deliver(t, c.Addr(), tt.from, tt.to, tt.text)))
			require.Empty(t, d.mails())
		})
	}
}

func TestConnectionsAreBoundedPerAddress(t *testing.T) {
	cfg := testConfig()
	cfg.MaxPerAddress = 2
	reg := prometheus.NewPedanticRegistry()
	d := &desk{}
	c, err := New(cfg, Deps{Conductor: d, Journey: d, Secret: testSecret, Registry: reg})
	require.NoError(t, err)
	serve(t, c)
	dial := func() (net.Conn, string) {
		conn, err := net.Dial("tcp", c.Addr())
		require.NoError(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		return conn, line
	}
	first, line := dial()
	require.True(t, strings.HasPrefix(line, "220 "), line)
	second, _ := dial()
	third, line := dial()
	require.True(t, strings.HasPrefix(line, "421 "), line)
	require.NoError(t, errors.Join(first.Close(), third.Close()))
	require.Eventually(t, func() bool {
		conn, line := dial()
		return errors.Join(conn.Close()) == nil && strings.HasPrefix(line, "220 ")
	}, 5*time.Second, 5*time.Millisecond, "the place is given back")
	require.NoError(t, second.Close())
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestStopEndsIdleConnectionsAndAcknowledgesNothingUnstored(t *testing.T) {
	d := &desk{hold: make(chan struct{})}
	c := testChannel(t, testConfig(), d)
	stop := serve(t, c)
	idle, err := net.Dial("tcp", c.Addr())
	require.NoError(t, err)
	defer idle.Close()
	answered := make(chan error, 1)
	go func() {
		answered <- deliver(t, c.Addr(), "g@example.com", []string{"help@shop.example"}, mailText("hi", giulia...))
	}()
	require.Eventually(t, func() bool { return testutil.ToFloat64(c.metrics.bytes) > 0 }, 5*time.Second, time.Millisecond)
	start := time.Now()
	stop()
	require.Less(t, time.Since(start), stopGrace)
	require.Equal(t, 451, code(<-answered))
}

func TestSlowSendersAreCut(t *testing.T) {
	cfg := testConfig()
	cfg.ReadTimeout = time.Second
	c := testChannel(t, cfg, &desk{})
	serve(t, c)
	conn, err := net.Dial("tcp", c.Addr())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(all), "421 ")
}

func TestSTARTTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	cfg := testConfig()
	cfg.TLSCert, cfg.TLSKey = cert, key
	d := &desk{}
	c := testChannel(t, cfg, d)
	stop := serve(t, c)
	client, err := smtp.Dial(c.Addr())
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.StartTLS(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}))
	require.NoError(t, client.Mail("g@example.com"))
	require.NoError(t, client.Rcpt("help@shop.example"))
	w, err := client.Data()
	require.NoError(t, err)
	_, err = io.WriteString(w, mailText("hi", giulia...))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Len(t, d.mails(), 1)
	stop() // with the encrypted connection still open
}

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, key, pool
}
