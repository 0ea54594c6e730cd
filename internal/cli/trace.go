package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"filo/internal/app"
	"filo/internal/config"
	"filo/sip/trace"
)

// traceFlags are the flags of "filo trace".
type traceFlags struct {
	config, socket, pcap string
	json, clear          bool
}

// traceCommand is "filo trace".
func traceCommand(ctx context.Context, args []string, std Streams) error {
	fs, parse := flags("trace", "trace [flags] [CALL]\n\n"+
		"CALL is a contact (c_..), the id of a leg in the log or a SIP Call-ID; without it the\n"+
		"newest contacts are listed. Numbers and names are masked.\n", std)
	var f traceFlags
	fs.StringVar(&f.config, "config", "filo.yaml", "configuration `file` of the node: it says where data_dir is")
	fs.StringVar(&f.socket, "socket", "", "control socket of the node; empty: control/filo.sock in data_dir")
	fs.BoolVar(&f.json, "json", false, "print the ladder, with the messages, as JSON")
	fs.StringVar(&f.pcap, "pcap", "", "write the messages to a capture `file` for Wireshark; what came by TCP, TLS or WebSocket stands there as UDP")
	fs.BoolVar(&f.clear, "clear", false, "show numbers and names; the node logs that you did. Keys and passwords are never shown")
	if err := parse(args); err != nil {
		return err
	}
	if fs.NArg() > 1 || fs.NArg() == 0 && (f.pcap != "" || f.clear) {
		fs.Usage()
		return errUsage
	}
	path, err := f.socketPath()
	if err != nil {
		return err
	}
	node := controlled{client: app.ControlClient(path), path: path}
	if fs.NArg() == 0 {
		return node.recent(ctx, f.json, std.Out)
	}
	return node.ladder(ctx, fs.Arg(0), f, std.Out)
}

// socketPath finds the node: the default configuration's where there is no file.
func (f traceFlags) socketPath() (string, error) {
	if f.socket != "" {
		return f.socket, nil
	}
	cfg, err := config.Load(f.config)
	if errors.Is(err, fs.ErrNotExist) && f.config == "filo.yaml" {
		cfg, err = config.Default(), nil
	}
	if err != nil {
		return "", err //nolint:wrapcheck // it names file, line and key
	}
	return app.ControlSocket(cfg.DataDir), nil
}

// controlled is a node that runs, by its control socket.
type controlled struct {
	client *http.Client
	path   string
}

// get asks the node; the caller closes the body.
func (c controlled) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: "filo", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no node answers at %s: %w", c.path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	return nil, errors.Join(errors.New(strings.TrimSpace(string(text))), err, resp.Body.Close())
}

// recent lists the newest contacts.
func (c controlled) recent(ctx context.Context, asJSON bool, out io.Writer) error {
	body, err := c.get(ctx, "/trace", nil)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // only read
	if asJSON {
		_, err = io.Copy(out, body)
		return err //nolint:wrapcheck // of the terminal
	}
	var list []trace.Summary
	if err := json.NewDecoder(body).Decode(&list); err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	for _, s := range list {
		if _, err := fmt.Fprintf(out, "%s  %s  %s\n", s.At.Local().Format("2006-01-02 15:04:05"), s.Contact, strings.Join(s.Roles, ", ")); err != nil {
			return err //nolint:wrapcheck // of the terminal
		}
	}
	return nil
}

// ladder prints one contact or writes it to a capture file.
func (c controlled) ladder(ctx context.Context, id string, f traceFlags, out io.Writer) (err error) {
	query := url.Values{"format": {"text"}}
	switch {
	case f.pcap != "":
		query.Set("format", "pcap")
	case f.json:
		query.Set("format", "json")
	}
	if f.clear {
		query.Set("clear", "1")
	}
	body, err := c.get(ctx, "/trace/"+id, query)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // only read
	if f.pcap != "" {
		return writeCapture(f.pcap, body)
	}
	_, err = io.Copy(out, body)
	return err //nolint:wrapcheck // of the terminal
}

// writeCapture writes what may hold numbers for its owner alone.
func writeCapture(path string, body io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the user's own file
	if err != nil {
		return fmt.Errorf("-pcap: %w", err)
	}
	_, err = io.Copy(file, body)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("-pcap: %w", err)
	}
	return nil
}
