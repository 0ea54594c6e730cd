package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// file is what is written; tests put in one that fails.
type file interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

// folder is the directory of a journal, locked.
type folder struct {
	root *os.Root
	path string
	lock *os.File
	wrap func(name string, f file) file // nil but in tests
}

const (
	logPrefix  = "log-"
	snapPrefix = "snap-"
	newSuffix  = ".new"
)

func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("journal directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("journal directory: %w", err)
	}
	d := &folder{root: root, path: path}
	d.lock, err = root.OpenFile("lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock journal: %w", err), root.Close())
	}
	if err := syscall.Flock(int(d.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock journal %s: %w", path, err), d.close())
	}
	return d, nil
}

func (d *folder) close() error { return errors.Join(d.lock.Close(), d.root.Close()) }

// part is one file of the journal.
type part struct {
	name string
	seq  uint64 // records before it
}

func logName(seq uint64) string  { return fmt.Sprintf("%s%020d", logPrefix, seq) }
func snapName(seq uint64) string { return fmt.Sprintf("%s%020d", snapPrefix, seq) }

// list returns logs and snapshots, by seq.
func (d *folder) list() (logs, snaps []part, err error) {
	names, err := d.names()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if seq, ok := seqOf(name, logPrefix); ok {
			logs = append(logs, part{name, seq})
		}
		if seq, ok := seqOf(name, snapPrefix); ok {
			snaps = append(snaps, part{name, seq})
		}
	}
	bySeq := func(a, b part) int { return cmp.Compare(a.seq, b.seq) }
	slices.SortFunc(logs, bySeq)
	slices.SortFunc(snaps, bySeq)
	return logs, snaps, nil
}

func (d *folder) names() ([]string, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("journal directory: %w", err)
	}
	names, err := dir.Readdirnames(-1)
	if err = errors.Join(err, dir.Close()); err != nil {
		return nil, fmt.Errorf("journal directory: %w", err)
	}
	return names, nil
}

// tidy removes what was never finished. Nothing else may be at work.
func (d *folder) tidy() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, newSuffix) {
			if err := d.root.Remove(name); err != nil {
				return fmt.Errorf("remove unfinished journal file: %w", err)
			}
		}
	}
	return nil
}

func seqOf(name, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil
}

// create makes a file that begins with what fill writes, durable under its name
// when create returns. A crash leaves it whole or not at all. The file stays
// open to be appended to.
func (d *folder) create(name string, fill func(file) error) (file, error) {
	f, err := d.open(name+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
	if err != nil {
		return nil, fmt.Errorf("create journal file: %w", err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = d.root.Rename(name+newSuffix, name)
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create journal file %s: %w", name, err), f.Close())
	}
	return f, nil
}

func (d *folder) open(name string, flag int) (file, error) {
	f, err := d.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if d.wrap != nil {
		return d.wrap(name, f), nil
	}
	return f, nil
}

// sync makes names durable.
func (d *folder) sync() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeBefore removes what a snapshot at seq has made superfluous.
func (d *folder) removeBefore(seq uint64) error {
	logs, snaps, err := d.list()
	if err != nil {
		return err
	}
	for _, p := range slices.Concat(logs, snaps) {
		if p.seq < seq {
			if err := d.root.Remove(p.name); err != nil {
				return fmt.Errorf("remove old journal file: %w", err)
			}
		}
	}
	return nil
}
