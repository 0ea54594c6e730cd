package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"filo/internal/config"
)

// Reload lets a running node go on with another configuration, as far as that
// is possible without touching anybody: the queues, profiles and rooms of
// router; the trunks, limits and digest of sip. Nobody loses a place, and no
// call is touched. An error names everything that is wrong in them or needs a
// restart, and means that nothing changed. What differs in other sections waits
// for a restart, and is said in the log.
func (a *App) Reload(ctx context.Context, cfg config.Config) error {
	err := a.reload(ctx, cfg)
	a.Reloaded(err)
	if err != nil {
		return err
	}
	a.log.Info("configuration reloaded: router, sip")
	if rest := differing(a.cfg, cfg); len(rest) > 0 {
		a.log.Warn("changes in other sections wait for a restart", "sections", rest)
	}
	return nil
}

func (a *App) reload(ctx context.Context, cfg config.Config) error {
	if err := config.UnderKey("sip", a.ua.CheckReload(cfg.SIP)); err != nil {
		return err
	}
	if err := a.router.Reconfigure(ctx, cfg.Router); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	a.cfg.Router = cfg.Router
	// Nothing but a file that vanished this moment can be in the way.
	if err := config.UnderKey("sip", a.ua.Reload(cfg.SIP)); err != nil {
		return errors.Join(err, errHalf)
	}
	a.cfg.SIP = cfg.SIP
	return nil
}

var errHalf = errors.New("router was reloaded, sip was not")

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
