package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Visitor is a browser with the tracker: it posts web activity as Segment's
// HTTP API wants it.
type Visitor struct {
	URL       string // of the server
	WriteKey  string
	Anonymous string // the cookie
	Link      string // value of cx= in the address that was opened, "" for none
}

// Props are the properties of an event.
type Props map[string]any

// Page views a page.
func (v *Visitor) Page(ctx context.Context, path, title string) error {
	return v.post(ctx, "/v1/page", map[string]any{
		"name":       title,
		"properties": Props{"path": path, "title": title, "url": v.URL + path},
	})
}

// Track posts one event, for example "Form Step Viewed".
func (v *Visitor) Track(ctx context.Context, event string, p Props) error {
	return v.post(ctx, "/v1/track", map[string]any{"event": event, "properties": p})
}

var errTrack = errors.New("web activity was refused")

func (v *Visitor) post(ctx context.Context, path string, body map[string]any) error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	body["anonymousId"], body["messageId"] = v.Anonymous, messageSID()
	body["timestamp"], body["sentAt"] = now, now
	if v.Link != "" {
		body["context"] = Props{"cx": v.Link}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL+path, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	req.SetBasicAuth(v.WriteKey, "")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) //nolint:errcheck // only for the message
		return fmt.Errorf("post %s: %w: %s: %s", path, errTrack, resp.Status, answer)
	}
	return nil
}
