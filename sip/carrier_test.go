package sip

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// carrier is the far end of a trunk on a real socket: it answers as its script
// says and remembers what it was asked.
type carrier struct {
	t       *testing.T
	network string
	at      netip.AddrPort
	packets net.PacketConn
	stream  net.Listener

	mu     sync.Mutex
	script func(*gosip.Request) []string // responses: code, or "code: header: value" lines; none is silence
	heard  []*gosip.Request
	news   chan struct{} // closed and replaced at each request
	back   func(string)  // sends to who spoke last
	conns  map[net.Conn]bool
}

// newCarrier listens on a port of the loopback; TLS with a certificate for
// carrier.test, signed by itself.
func newCarrier(t *testing.T, network string, script func(*gosip.Request) []string) *carrier {
	t.Helper()
	return newCarrierAt(t, network, "127.0.0.1:0", script)
}

func newCarrierAt(t *testing.T, network, bind string, script func(*gosip.Request) []string) *carrier {
	t.Helper()
	c := &carrier{t: t, network: network, script: script, news: make(chan struct{}), conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	if network == "udp" {
		pc, err := net.ListenPacket("udp", bind)
		require.NoError(t, err)
		c.packets, c.at = pc, netip.MustParseAddrPort(pc.LocalAddr().String())
		wg.Go(c.readPackets)
	} else {
		ln, err := net.Listen("tcp", bind)
		require.NoError(t, err)
		c.at = netip.MustParseAddrPort(ln.Addr().String())
		if network == "tls" {
			cert, key := testCertificate(t)
			pair, err := tls.LoadX509KeyPair(cert, key)
			require.NoError(t, err)
			ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert})
		}
		c.stream = ln
		wg.Go(func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				c.mu.Lock()
				c.conns[conn] = true
				c.mu.Unlock()
				wg.Go(func() { c.readStream(conn) })
			}
		})
	}
	t.Cleanup(func() {
		if c.packets != nil {
			_ = c.packets.Close()
		} else {
			_ = c.stream.Close()
		}
		c.mu.Lock()
		for conn := range c.conns {
			_ = conn.Close()
		}
		c.mu.Unlock()
		wg.Wait()
	})
	return c
}

func (c *carrier) readPackets() {
	buf := make([]byte, 65535)
	for {
		n, from, err := c.packets.ReadFrom(buf)
		if err != nil {
			return
		}
		c.receive(buf[:n], func(msg string) { _, _ = c.packets.WriteTo([]byte(msg), from) })
	}
}

func (c *carrier) readStream(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		head, length := "", 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head += line
			if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
				length, _ = strconv.Atoi(strings.TrimSpace(value))
			}
			if strings.TrimSpace(line) == "" {
				break
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		c.receive([]byte(head+string(body)), func(msg string) { _, _ = conn.Write([]byte(msg)) })
	}
}

func (c *carrier) receive(data []byte, back func(string)) {
	m, err := gosip.ParseMessage(data)
	if err != nil {
		return
	}
	req, ok := m.(*gosip.Request)
	if !ok {
		return
	}
	c.mu.Lock()
	script := c.script
	c.heard, c.back = append(c.heard, req), back
	close(c.news)
	c.news = make(chan struct{})
	c.mu.Unlock()
	if req.Method == gosip.ACK {
		return
	}
	for _, text := range script(req) {
		back(c.respond(req, text))
	}
}

// respond writes a response from a script's line: "183 sdp" has a description,
// and header lines may follow the first.
func (c *carrier) respond(req *gosip.Request, text string) string {
	lines := strings.Split(text, "\n")
	status, body, _ := strings.Cut(lines[0], " ")
	code, _ := strconv.Atoi(status)
	res := gosip.NewResponseFromRequest(req, code, "x", nil)
	if code > 100 {
		res.To().Params.Add("tag", "carrier")
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		res.AppendHeader(gosip.NewHeader(name, value))
	}
	if req.Method == gosip.INVITE && code/100 != 3 {
		res.AppendHeader(gosip.NewHeader("Contact", "<sip:carrier@"+c.addr()+";transport="+c.network+">"))
	}
	res.SetBody(nil)
	if body == "sdp" {
		res.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody([]byte(testSDP))
	}
	return res.String()
}

// says is a script that answers every method in the same way: OPTIONS and what
// ends calls with 200, the given method with these.
func says(method gosip.RequestMethod, responses ...string) func(*gosip.Request) []string {
	return func(req *gosip.Request) []string {
		if req.Method == method {
			return responses
		}
		return []string{"200"}
	}
}

// says changes the script.
func (c *carrier) says(script func(*gosip.Request) []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = script
}

// later answers a request that its script left open.
func (c *carrier) later(req *gosip.Request, text string) {
	c.mu.Lock()
	back := c.back
	c.mu.Unlock()
	back(c.respond(req, text))
}

// count is how many requests of a method came, repeats not counted.
func (c *carrier) count(method gosip.RequestMethod) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	for _, req := range c.heard {
		branch, _ := req.Via().Params.Get("branch")
		if req.Method == method && !seen[branch] {
			seen[branch] = true
			n++
		}
	}
	return n
}

// await waits until the n-th request of a method that is no repeat.
func (c *carrier) await(method gosip.RequestMethod, n int) *gosip.Request {
	c.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		c.mu.Lock()
		news, left := c.news, n
		seen := map[string]bool{}
		for _, req := range c.heard {
			branch, _ := req.Via().Params.Get("branch")
			if req.Method != method || seen[branch] {
				continue
			}
			seen[branch] = true
			if left--; left == 0 {
				c.mu.Unlock()
				return req
			}
		}
		c.mu.Unlock()
		select {
		case <-news:
		case <-limit:
			c.t.Fatalf("no %s number %d", method, n)
		}
	}
}

// addr is where it listens.
func (c *carrier) addr() string { return c.at.String() }

// names is a name server: SRV records that lead to carriers, the first the
// best, and addresses of 127.0.0.1 for every host.
type names map[string][]*carrier

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if strings.HasPrefix(host, "gone") {
		return nil, &net.DNSError{IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func (n names) LookupSRV(_ context.Context, service, proto, host string) (string, []*net.SRV, error) {
	var out []*net.SRV
	for i, c := range n["_"+service+"._"+proto+"."+host] {
		out = append(out, &net.SRV{Target: "h.carrier.test.", Port: c.at.Port(), Priority: uint16(i)})
	}
	if out == nil {
		return "", nil, &net.DNSError{IsNotFound: true}
	}
	return "", out, nil
}

// testCertificate makes files of a certificate for carrier.test, which is its
// own authority.
func testCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	certificateOnce.Do(func() {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), DNSNames: []string{"carrier.test", "shop.carrier.example", "shop.backup.carrier.example"}, NotAfter: time.Now().Add(time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
		require.NoError(t, err)
		raw, err := x509.MarshalPKCS8PrivateKey(k)
		require.NoError(t, err)
		certificatePEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	})
	return testFile(t, "cert.pem", string(certificatePEM)), testFile(t, "key.pem", string(keyPEM))
}

var (
	certificateOnce        sync.Once
	certificatePEM, keyPEM []byte
)

func testFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
