package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"filo/sip/trace"
)

// The control socket is how commands of the operator's terminal ("filo trace")
// talk to the node that runs: HTTP over a unix socket below the data
// directory. Whoever can open it is the user that runs the node, or root: its
// directory has mode 0700, the socket 0600. It needs no other password.

// ControlSocket is the path of the control socket of a node with this data
// directory.
func ControlSocket(dataDir string) string {
	return filepath.Join(dataDir, "control", "filo.sock")
}

// maxSocketPath is how long the path of a unix socket may be on every system
// that we run on.
const maxSocketPath = 103

// socketAddr is path, or a shorter way to it from the working directory.
func socketAddr(path string) string {
	if len(path) <= maxSocketPath {
		return path
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// ControlClient returns a client of the node whose control socket is at path.
// The host of its URLs does not matter.
func ControlClient(path string) *http.Client {
	var d net.Dialer
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socketAddr(path))
		},
	}}
}

// buildControl opens the control socket. A node that cannot have one (a path
// that is too long, a file system without sockets) runs without.
func (a *App) buildControl(ctx context.Context, _ Options) error {
	path := ControlSocket(a.cfg.DataDir)
	l, err := listenControl(ctx, path)
	if err != nil {
		a.log.Warn("no control socket: filo trace cannot reach this node", "error", err)
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /trace", a.recentTraces)
	mux.HandleFunc("GET /trace/{id}", a.showTrace)
	a.control = &web{listener: l, server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}}
	a.onClose(func() error { _ = l.Close(); return nil }) // Run has closed it already
	return nil
}

var errSocketInUse = errors.New("another node answers there")

// listenControl makes the socket; what a node that was killed left behind is
// removed.
func listenControl(ctx context.Context, path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory
		return nil, fmt.Errorf("protect directory: %w", err)
	}
	addr := socketAddr(path)
	var d net.Dialer
	if conn, err := d.DialContext(ctx, "unix", addr); err == nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, errSocketInUse), conn.Close())
	}
	if err := os.Remove(addr); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(addr, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect socket: %w", err), l.Close())
	}
	return l, nil
}

// recentListed is how many contacts GET /trace lists.
const recentListed = 30

func (a *App) recentTraces(w http.ResponseWriter, _ *http.Request) {
	a.answerControl(w, a.trace.Recent(recentListed))
}

// showTrace serves GET /trace/{id}: the ladder as JSON or, with format=text or
// format=pcap, as that. clear=1 shows numbers and names, which is logged.
func (a *App) showTrace(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	clear, format := q.Get("clear") == "1", q.Get("format")
	l, err := a.trace.Ladder(r.PathValue("id"), trace.Options{Clear: clear, Data: format != "text"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if clear {
		a.log.Warn("trace was shown in clear", "contact_id", l.Contact, "format", format)
	}
	switch format {
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		err = l.Text(w)
	case "pcap":
		w.Header().Set("Content-Type", trace.PCAPType)
		err = l.PCAP(w)
	default:
		a.answerControl(w, l)
	}
	if err != nil {
		a.log.Debug("trace not sent whole", "error", err)
	}
}

func (a *App) answerControl(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.log.Debug("control answer not sent whole", "error", err)
	}
}
