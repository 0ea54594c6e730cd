package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics is one scrape of a /metrics page.
type metrics map[string]*dto.MetricFamily

// scrape reads url.
func scrape(ctx context.Context, url string) (metrics, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("scrape %s: %w: %s", url, errScrape, resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	m, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", url, err)
	}
	return m, nil
}

var errScrape = errors.New("no metrics")

// histogram is the growth of one histogram between two scrapes.
type histogram struct {
	upper []float64 // bucket bounds in seconds, ascending, the last +Inf
	count []uint64  // cumulative
}

// counted is the growth of a counter between two scrapes, summed over its
// labels; 0 when the server does not show it.
func counted(before, after metrics, name string) (n float64) {
	for _, m := range after[name].GetMetric() {
		n += m.GetCounter().GetValue()
	}
	for _, m := range before[name].GetMetric() {
		n -= m.GetCounter().GetValue()
	}
	return n
}

// grown subtracts two scrapes of a histogram, summed over its labels. ok is
// false when the later one does not have it.
func grown(before, after metrics, name string) (h histogram, ok bool) {
	now, ok := after[name]
	if !ok {
		return h, false
	}
	old := cumulative(before[name])
	sum := cumulative(now)
	h.upper = sum.upper
	h.count = sum.count
	if len(old.count) == len(sum.count) {
		for i := range h.count {
			h.count[i] -= old.count[i]
		}
	}
	return h, true
}

func cumulative(f *dto.MetricFamily) (h histogram) {
	for _, m := range f.GetMetric() {
		buckets := m.GetHistogram().GetBucket()
		if h.count == nil {
			h.count = make([]uint64, len(buckets))
			for _, b := range buckets {
				h.upper = append(h.upper, b.GetUpperBound())
			}
		}
		for i, b := range buckets {
			if i < len(h.count) {
				h.count[i] += b.GetCumulativeCount()
			}
		}
	}
	return h
}

// quantile interpolates within the bucket, as PromQL's histogram_quantile
// does; a value in the last bucket is its lower bound.
func (h histogram) quantile(q float64) time.Duration {
	if len(h.count) == 0 || h.count[len(h.count)-1] == 0 {
		return 0
	}
	rank := q * float64(h.count[len(h.count)-1])
	lower, below := 0.0, 0.0
	for i, n := range h.count {
		if float64(n) >= rank {
			if math.IsInf(h.upper[i], 1) {
				break
			}
			part := (rank - below) / (float64(n) - below)
			return time.Duration((lower + (h.upper[i]-lower)*part) * float64(time.Second))
		}
		lower, below = h.upper[i], float64(n)
	}
	return time.Duration(lower * float64(time.Second))
}
