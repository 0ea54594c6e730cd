package sip

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ErrRestart says that a change of the configuration needs a restart.
var ErrRestart = errors.New("needs a restart")

// withLive returns c with what [UA.Reload] changes as it is in from.
func (c Config) withLive(from Config) Config {
	c.Trunks = from.Trunks
	c.MaxCalls = from.MaxCalls
	c.Emergency, c.Admission, c.Strangers = from.Emergency, from.Admission, from.Strangers
	c.MaxBindings = from.MaxBindings
	c.DigestAlgorithms, c.DigestMD5Only = from.DigestAlgorithms, from.DigestMD5Only
	c.NonceLifetime = from.NonceLifetime
	c.RegisterExpires.Min, c.RegisterExpires.Default = from.RegisterExpires.Min, from.RegisterExpires.Default
	return c
}

// CheckReload tells what keeps [UA.Reload] from taking over cfg: every mistake,
// every file that cannot be read, and every change that needs a restart
// (ErrRestart), each beginning with its key.
func (u *UA) CheckReload(cfg Config) error {
	_, err := u.reloaded(cfg)
	return err
}

// Reload takes over another configuration: trunks, limits, digest, defences. No call is
// touched: one that goes on counts against the new limits and keeps what it
// began with. Registrations and questions of trunks that stay the same go on.
// An error is that of [UA.CheckReload], and nothing has changed.
func (u *UA) Reload(cfg Config) error {
	u.reloading.Lock()
	defer u.reloading.Unlock()
	set, err := u.reloaded(cfg)
	if err != nil {
		return err
	}
	u.live.Store(&cfg)
	u.gate.Reload(cfg.Admission, cfg.Strangers, cfg.Emergency)
	u.trunks.Store(set)
	if !u.enter() {
		return nil // Serve begins with what is there then
	}
	defer u.leave()
	u.assign(set)
	for _, ln := range u.listeners {
		if fresh, err := ln.certificates(); err == nil && fresh != nil { // checked a moment ago
			ln.secrets.Store(fresh)
		}
	}
	return nil
}

// reloaded makes the trunks of a configuration that may be taken over.
func (u *UA) reloaded(cfg Config) (*trunkSet, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := cfg.CheckFiles(); err != nil {
		return nil, errors.Join(err, restartNeeded(u.cfg, cfg))
	}
	set, err := newTrunkSet(cfg.Trunks, u.trunks.Load())
	return set, errors.Join(err, restartNeeded(u.cfg, cfg))
}

// restartNeeded names the keys that differ and cannot change while running.
func restartNeeded(now, next Config) error {
	same := reflect.ValueOf(now.withLive(next))
	want := reflect.ValueOf(next)
	var errs []error
	for i := range want.NumField() {
		if !reflect.DeepEqual(same.Field(i).Interface(), want.Field(i).Interface()) {
			key, _, _ := strings.Cut(want.Type().Field(i).Tag.Get("yaml"), ",")
			errs = append(errs, fmt.Errorf("%s: %w", key, ErrRestart))
		}
	}
	return errors.Join(errs...)
}
