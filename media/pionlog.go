package media

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogger sends pion's warnings to slog at Debug: they hold addresses, and
// what matters of them reaches us as states. Lower levels are dropped unread.
type pionLogger struct{ log *slog.Logger }

var (
	_ logging.LoggerFactory = pionLogger{}
	_ logging.LeveledLogger = pionLogger{}
)

// NewLogger is logging.LoggerFactory.
func (l pionLogger) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{l.log.With("pion", scope)}
}

func (l pionLogger) write(msg string) { l.log.Debug("webrtc", "message", msg) }

func (l pionLogger) writef(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.write(fmt.Sprintf(format, args...))
	}
}

// The methods of logging.LeveledLogger.

func (l pionLogger) Trace(string)                      {}
func (l pionLogger) Tracef(string, ...any)             {}
func (l pionLogger) Debug(string)                      {}
func (l pionLogger) Debugf(string, ...any)             {}
func (l pionLogger) Info(string)                       {}
func (l pionLogger) Infof(string, ...any)              {}
func (l pionLogger) Warn(msg string)                   { l.write(msg) }
func (l pionLogger) Warnf(format string, args ...any)  { l.writef(format, args...) }
func (l pionLogger) Error(msg string)                  { l.write(msg) }
func (l pionLogger) Errorf(format string, args ...any) { l.writef(format, args...) }
