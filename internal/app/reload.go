package app

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"filo/internal/config"
)

// Reload lets a running node go on with another configuration, as far as that
// is possible without touching anybody: the queues, profiles and rooms of
// router. Nobody loses a place. An error means that nothing changed. What
// differs in other sections waits for a restart, and is said in the log.
func (a *App) Reload(ctx context.Context, cfg config.Config) error {
	if err := a.router.Reconfigure(ctx, cfg.Router); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	a.cfg.Router = cfg.Router
	a.log.Info("configuration reloaded: router")
	if rest := differing(a.cfg, cfg); len(rest) > 0 {
		a.log.Warn("changes in other sections wait for a restart", "sections", rest)
	}
	return nil
}

// differing lists the sections of two configurations that are not the same.
func differing(x, y config.Config) (keys []string) {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}
