package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/contact"
	"filo/journey"
	"filo/journey/journeytest"
	"filo/journey/sqlite"
)

// childFile is set in the process that TestKilled kills.
const childFile = "FILO_SQLITE_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := appendForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestSQLiteIsRecord(t *testing.T) {
	n := 0
	dir := t.TempDir()
	journeytest.RecordSuite(t, func(t *testing.T) journey.Record {
		n++
		s := open(t, filepath.Join(dir, fmt.Sprint(n), "with space ?#.db"))
		return s
	})
}

func event(n int) journey.Event {
	now := time.Now()
	return journey.Event{
		ID: contact.NewToken("e_", now), Source: "test", SourceID: fmt.Sprint(os.Getpid(), "-", n), Kind: journey.KindPage,
		Channel: contact.Web, Dir: contact.Indirect, OccurredAt: now, ReceivedAt: now,
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: fmt.Sprint("a", n%50)}},
		Attrs:      map[string]string{"path": "/shop", "title": "Scarpe"},
	}
}

// appendForEver prints each id after the Record has acknowledged it.
func appendForEver(path string) error {
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := w; ; n += 8 {
				e := event(n)
				if _, err := s.Append(context.Background(), e, journey.Profile{}); err != nil {
					return
				}
				mu.Lock()
				fmt.Println(e.ID)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return s.Close()
}

func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filo.db")
	known := map[string]bool{}
	for round := range 3 {
		child := exec.Command(os.Args[0]) //nolint:gosec // this test binary
		child.Env = append(os.Environ(), childFile+"="+path)
		child.Stderr = os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if id := lines.Text(); strings.HasPrefix(id, "e_") && len(id) == 28 {
				known[id] = true
			}
			if n == 100*(round+1) {
				require.NoError(t, child.Process.Signal(syscall.SIGKILL))
			}
		}
		_ = child.Wait() // killed
		s, err := sqlite.Open(t.Context(), path)
		require.NoError(t, err)
		for id := range known {
			_, err := s.Event(t.Context(), journey.EventRef{ID: id})
			require.NoError(t, err, "acknowledged %s is lost", id)
		}
		require.NoError(t, s.Close())
	}
	require.Greater(t, len(known), 500)
}

func TestStopped(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "filo.db"))
	require.NoError(t, s.Close())
	_, err := s.Append(t.Context(), event(1), journey.Profile{})
	require.ErrorIs(t, err, journey.ErrStopped)
	_, err = s.Dossier(t.Context(), journey.Key{Customer: "u"})
	require.ErrorIs(t, err, journey.ErrStopped)
}

func TestOneBadJobSparesItsGroup(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "filo.db"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed, good int
	for n := range 100 {
		wg.Go(func() {
			e := event(n)
			if n%10 == 0 {
				e.Customer = "u_nobody"
			}
			_, err := s.Append(context.Background(), e, journey.Profile{})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, journey.ErrUnknown) {
				failed++
			} else if err == nil {
				good++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 10, failed)
	require.Equal(t, 90, good)
}

func TestReadersHonourTheirContext(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "filo.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Dossier(ctx, journey.Key{Customer: "u"})
	require.Error(t, err)
	_, err = s.Dossier(t.Context(), journey.Key{Customer: "u"})
	require.ErrorIs(t, err, journey.ErrUnknown, "the reader is good again")
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "filo.db"))
	e := event(1)
	_, err := s.Append(t.Context(), e, journey.Profile{})
	require.NoError(t, err)
	require.NoError(t, s.Backup(t.Context(), filepath.Join(dir, "copy.db")))
	copied := open(t, filepath.Join(dir, "copy.db"))
	_, err = copied.Event(t.Context(), journey.EventRef{ID: e.ID})
	require.NoError(t, err)
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "filo.db"))
	n := 0
	for b.Loop() {
		n++
		if _, err := s.Append(b.Context(), event(n), journey.Profile{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendGroup(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "filo.db"))
	b.SetParallelism(64)
	var mu sync.Mutex
	n := 0
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			mu.Lock()
			n++
			k := n
			mu.Unlock()
			if _, err := s.Append(context.Background(), event(k), journey.Profile{}); err != nil {
				b.Error(err)
			}
		}
	})
}
