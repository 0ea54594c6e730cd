package journal

import "errors"

// Errors of this package, wrapped with file and offset where there is one.
var (
	// ErrLocked is returned by Open when another process has the directory.
	ErrLocked = errors.New("journal is in use by another process")
	// ErrCorrupt says that records which were acknowledged as durable cannot
	// be read any more.
	ErrCorrupt = errors.New("journal is damaged")
	// ErrDiverged says that replaying decided something else than was decided
	// then: the program is another one, or its memory is not to be trusted.
	ErrDiverged = errors.New("journal: replay decides differently")
	// ErrFormat says that a file was written in a format that this program does not know.
	ErrFormat = errors.New("journal has an unknown format")

	// ErrSlow and ErrBehind are reasons to be degraded, see Deps.OnHealth.
	ErrSlow   = errors.New("journal: the disk does not answer in time")
	ErrBehind = errors.New("journal: the disk is too far behind, records were dropped")
	errLarge  = errors.New("journal: a record is larger than 16 MB")
)
