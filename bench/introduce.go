package bench

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

// batchSize keeps a batch of introductions far below the API's 500 KB.
const batchSize = 100

var errIntroduce = errors.New("web activity was refused")

// introduce makes every caller known: a checkout left at the payment step with
// the caller's number in its form, posted to the web activity API as a
// visitor's browser does.
func (r *run) introduce(ctx context.Context) error {
	if r.cfg.Web == "" || r.cfg.WriteKey == "" {
		return nil
	}
	for first := 0; first < r.cfg.Callers; first += batchSize {
		events := make([]map[string]any, 0, batchSize)
		for i := first; i < min(first+batchSize, r.cfg.Callers); i++ {
			events = append(events, map[string]any{
				"type": "track", "messageId": fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i),
				"anonymousId": fmt.Sprintf("bench-%d", i), "event": "Form Step Viewed",
				"timestamp": time.Now().UTC().Format(time.RFC3339Nano),
				"properties": map[string]any{
					"form": "checkout", "step": "payment", "step_no": 3, "steps": 4,
					"filled": []string{"phone", "address"}, "empty": []string{"card"},
					"fields": map[string]string{"phone": r.number(i)},
					"value":  "84.90", "currency": "EUR",
				},
			})
		}
		if err := r.postBatch(ctx, events); err != nil {
			return fmt.Errorf("introduce callers %d..: %w", first, err)
		}
	}
	return nil
}

func (r *run) postBatch(ctx context.Context, events []map[string]any) error {
	body, err := json.Marshal(map[string]any{"batch": events, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)})
	if err != nil {
		return fmt.Errorf("encode batch: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.cfg.Web+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post batch: %w", err)
	}
	req.SetBasicAuth(r.cfg.WriteKey, "")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("post batch: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) //nolint:errcheck // only for the message
		return fmt.Errorf("%w: %s: %s", errIntroduce, resp.Status, answer)
	}
	return nil
}

func (r *run) scrape(ctx context.Context) (metrics, error) {
	if r.cfg.Web == "" {
		return nil, nil //nolint:nilnil // no metrics wanted
	}
	return scrape(ctx, r.cfg.Web+"/metrics")
}
