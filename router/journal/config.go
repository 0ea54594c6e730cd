package journal

import (
	"errors"
	"fmt"
	"time"
)

// Config is the journal section of the configuration.
type Config struct {
	// Dir is the directory of the files; it is made if it is not there.
	Dir string `yaml:"dir"`
	// SyncInterval is for how long records that nobody waits for may be
	// written but not synced: what a crash of the machine (not of the process)
	// may cost.
	SyncInterval time.Duration `yaml:"sync_interval"`
	// CommitTimeout is how long an acknowledgement waits for the disk before
	// the journal is degraded and lets it pass.
	CommitTimeout time.Duration `yaml:"commit_timeout"`
	// RetryInterval is the pause before a failed disk is tried again.
	RetryInterval time.Duration `yaml:"retry_interval"`
	// SegmentBytes is the size of a log after which a snapshot is made and a
	// new log begins.
	SegmentBytes int64 `yaml:"segment_bytes"`
	// MaxPending bounds the bytes that wait for a disk that hangs, beside as
	// many that it is writing. What is more is dropped, and a snapshot is made
	// when the disk is back.
	MaxPending int `yaml:"max_pending"`
}

// DefaultConfig returns settings that suit any disk, without a directory.
func DefaultConfig() Config {
	return Config{
		SyncInterval:  200 * time.Millisecond,
		CommitTimeout: 250 * time.Millisecond,
		RetryInterval: 2 * time.Second,
		SegmentBytes:  64 << 20,
		MaxPending:    32 << 20,
	}
}

// Validate returns all mistakes, joined; each begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // the text is the value: key and mistake
	}
	if c.Dir == "" {
		bad("dir", "is empty")
	}
	if c.SyncInterval < time.Millisecond || c.SyncInterval > time.Minute {
		bad("sync_interval", "%v is not within 1ms..1m", c.SyncInterval)
	}
	if c.CommitTimeout < time.Millisecond || c.CommitTimeout > time.Minute {
		bad("commit_timeout", "%v is not within 1ms..1m", c.CommitTimeout)
	}
	if c.RetryInterval < time.Millisecond || c.RetryInterval > time.Hour {
		bad("retry_interval", "%v is not within 1ms..1h", c.RetryInterval)
	}
	if c.SegmentBytes < 4<<10 || c.SegmentBytes > 4<<30 {
		bad("segment_bytes", "%d is not within 4 KB..4 GB", c.SegmentBytes)
	}
	if c.MaxPending < 64<<10 || c.MaxPending > 1<<30 {
		bad("max_pending", "%d is not within 64 KB..1 GB", c.MaxPending)
	}
	return errors.Join(errs...)
}
