package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/sip/trace"
)

const tracedInvite = "INVITE sip:100@filo.example SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\n" +
	"From: <sip:+393475554419@telco.example>;tag=1\r\nTo: <sip:100@filo.example>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\r\n"

// TestControlShowsTraces: whoever owns the node sees its ladders, and numbers
// only when that is asked for and written down.
func TestControlShowsTraces(t *testing.T) {
	cfg, opts := testNode(t)
	var log bytes.Buffer
	a, err := New(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, nil)), opts)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	<-a.Ready()
	a.trace.Leg("c_1", "one", "caller telco")
	a.trace.Message(trace.Message{In: true, Network: "udp", Remote: netip.MustParseAddrPort("203.0.113.9:5060"), Data: []byte(tracedInvite)})

	path := ControlSocket(cfg.DataDir)
	for name, mode := range map[string]os.FileMode{path: os.ModeSocket | 0o600, filepath.Dir(path): os.ModeDir | 0o700} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode())
	}
	client := ControlClient(path)
	get := func(path string) (int, string) {
		resp, err := client.Get("http://filo" + path)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	code, body := get("/trace")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"contact":"c_1"`)
	code, body = get("/trace/one?format=text")
	require.Equal(t, 200, code)
	require.Contains(t, body, "caller telco")
	require.Contains(t, body, "+39 347 ••• 4419")
	code, body = get("/trace/c_1")
	require.Equal(t, 200, code)
	var l trace.Ladder
	require.NoError(t, json.Unmarshal([]byte(body), &l))
	require.Contains(t, l.Rows[0].Data, "sip:+39347xxx4419@telco.example")
	code, body = get("/trace/c_1?format=pcap")
	require.Equal(t, 200, code)
	require.NotContains(t, body, "5554419")
	code, _ = get("/trace/c_2")
	require.Equal(t, 404, code)
	require.NotContains(t, log.String(), "in clear")
	code, body = get("/trace/c_1?clear=1&format=text")
	require.Equal(t, 200, code)
	require.Contains(t, body, "+393475554419")
	stop()
	require.NoError(t, <-done)
	require.Contains(t, log.String(), `"trace was shown in clear" contact_id=c_1`)
	require.NotContains(t, log.String(), "5554419")
}

// TestControlSocket: a socket that a killed node left is replaced, that of one
// that runs is not.
func TestControlSocket(t *testing.T) {
	path := ControlSocket(t.TempDir())
	l, err := listenControl(t.Context(), path)
	require.NoError(t, err)
	_, err = listenControl(t.Context(), path)
	require.ErrorIs(t, err, errSocketInUse)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	l, err = listenControl(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = listenControl(t.Context(), filepath.Join(t.TempDir(), string(bytes.Repeat([]byte("d"), 200)), "control", "filo.sock"))
	require.Error(t, err)
}

// TestSocketBelowALongPath: tests and containers have long working directories.
func TestSocketBelowALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), string(bytes.Repeat([]byte("d"), 120)))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	t.Chdir(dir)
	l, err := listenControl(t.Context(), ControlSocket(filepath.Join(dir, "data")))
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
