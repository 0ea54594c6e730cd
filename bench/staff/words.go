package staff

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var errWord = errors.New("cannot use")

// ParseShare reads a share: 5%, 5 % or 0.05.
func ParseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	if err != nil || math.IsNaN(x) || x < 0 || x > 1 {
		return 0, fmt.Errorf("%w %q; should be a share, as in 5%% or 0.05", errWord, s)
	}
	return x, nil
}

// ParseLevel reads a service level: 80/20s are 80 % within 20 seconds, which
// is 80/20 as well.
func ParseLevel(s string) (share float64, within time.Duration, err error) {
	percent, limit, ok := strings.Cut(s, "/")
	share, err = ParseShare(strings.TrimSuffix(percent, "%") + "%")
	if ok && err == nil {
		limit = strings.TrimSpace(limit)
		if _, bare := strconv.ParseFloat(limit, 64); bare == nil {
			limit += "s"
		}
		within, err = time.ParseDuration(limit)
	}
	if !ok || err != nil || share == 0 || share == 1 || within < 0 {
		return 0, 0, fmt.Errorf("%w %q; should be percent and time, as in 80/20s", errWord, s)
	}
	return share, within, nil
}

// ParseRate reads contacts per unit of time, as in 100/h or 2.5/min, and
// returns how many come in how long.
func ParseRate(s string) (contacts float64, per time.Duration, err error) {
	number, unit, _ := strings.Cut(s, "/")
	per = map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
		"15m": 15 * time.Minute, "30m": 30 * time.Minute,
	}[strings.TrimSpace(unit)]
	contacts, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || per == 0 || !(contacts > 0 && contacts <= maxContacts) {
		return 0, 0, fmt.Errorf("%w %q; should be contacts a unit of time, as in 100/h or 50/30m", errWord, s)
	}
	return contacts, per, nil
}

// parseStart reads a time of day, such as 09:30, or a date with it.
func parseStart(s string) (time.Time, error) {
	for _, layout := range []string{"15:04", "2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w %q; should be a time as in 09:30, or 2026-03-02 09:30", errWord, s)
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%w %q; should be a duration, as in 4m30s", errWord, s)
	}
	return d, nil
}

func parseContacts(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%w %q; should be a number", errWord, s)
	}
	return x, nil
}
