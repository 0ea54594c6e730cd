package journey_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/journey/sqlite"
)

// slowRecord answers dossiers only after a while, whatever the context says.
type slowRecord struct {
	journey.Record
	takes time.Duration
	found journey.Dossier
}

func (r *slowRecord) Dossier(context.Context, journey.Key) (journey.Dossier, error) {
	time.Sleep(r.takes) // of the fake clock
	return r.found, nil
}

// deafHot is a remote hot store that hangs until the caller gives up.
type deafHot struct{ journey.Hot }

func (deafHot) Find(ctx context.Context, _ journey.Identity) (journey.HotEntry, error) {
	<-ctx.Done()
	return journey.HotEntry{}, ctx.Err()
}

func dossier() journey.Dossier {
	leaf := journey.Leaf{ID: "u_1", Root: "u_1", Identity: journey.Identity{Type: journey.Phone, Value: giuliaPhone}, Texted: true, Events: 1}
	return journey.Dossier{Customer: "u_1", Version: 1, Leaves: []journey.Leaf{leaf}}
}

func TestBudget(t *testing.T) {
	stale := journey.NewMemory(1)
	d := dossier()
	require.NoError(t, stale.Put(t.Context(), journey.HotEntry{Customer: "u_1", Version: 1, Data: journey.EncodeDossier(&d)},
		[]journey.Identity{d.Leaves[0].Identity}))
	require.NoError(t, stale.Stale(t.Context(), "u_1"))
	for _, c := range []struct {
		name   string
		hot    journey.Hot
		record time.Duration
		status contact.ContextStatus
		took   time.Duration
	}{
		{"record in time", journey.NewMemory(1), 10 * time.Millisecond, contact.ContextRecord, 10 * time.Millisecond},
		{"record within the hard budget, nothing older known", journey.NewMemory(1), 40 * time.Millisecond, contact.ContextRecord, 40 * time.Millisecond},
		{"record too slow", journey.NewMemory(1), time.Second, contact.ContextUnavailable, 50 * time.Millisecond},
		{"record too slow, old context known", stale, time.Second, contact.ContextStale, 20 * time.Millisecond},
		{"hot store hangs", deafHot{journey.NewMemory(1)}, time.Millisecond, contact.ContextRecord, 6 * time.Millisecond},
		{"both hang", deafHot{journey.NewMemory(1)}, time.Hour, contact.ContextUnavailable, 50 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				cfg := journey.DefaultConfig()
				cfg.DataDir = dir
				j, err := journey.New(cfg, &slowRecord{takes: c.record, found: d}, c.hot, journey.Deps{})
				require.NoError(t, err)
				got := j.Arrived(t.Context(), journey.Arrival{Caller: giuliaPhone, Trusted: true})
				require.Equal(t, c.status, got.Status)
				require.Equal(t, c.took, got.Took)
				if c.status == contact.ContextUnavailable {
					require.Equal(t, contact.Menu, got.Decision.Action)
					require.Equal(t, contact.D0, got.Tier)
				} else {
					require.Equal(t, contact.D2, got.Tier)
				}
				j.Wait()
			})
		})
	}
}

func bench(b *testing.B, hot journey.Hot) *world {
	b.Helper()
	dir := b.TempDir()
	rec, err := sqlite.Open(b.Context(), filepath.Join(dir, "filo.db"))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, rec.Close()) })
	cfg := journey.DefaultConfig()
	cfg.DataDir = dir
	w := &world{t: b, rec: rec, hot: hot, at: time.Now().UTC(), cfg: cfg}
	w.Journey, err = journey.New(cfg, rec, hot, journey.Deps{})
	require.NoError(b, err)
	b.Cleanup(w.Wait)
	filmA(w)
	return w
}

func BenchmarkArrivedHot(b *testing.B) {
	w := bench(b, journey.NewMemory(10))
	b.ReportAllocs()
	for b.Loop() {
		if c := w.call(giuliaPhone, true); c.Status != contact.ContextHot || c.Decision.Action != contact.Skip {
			b.Fatal(c)
		}
	}
}

// coldHot never holds anything.
type coldHot struct{ *journey.Memory }

func (coldHot) Put(context.Context, journey.HotEntry, []journey.Identity) error { return nil }

func BenchmarkArrivedRecord(b *testing.B) {
	w := bench(b, coldHot{journey.NewMemory(10)})
	for b.Loop() {
		if c := w.call(giuliaPhone, true); c.Status != contact.ContextRecord || c.Decision.Action != contact.Skip {
			b.Fatal(c)
		}
	}
}

func BenchmarkIngest(b *testing.B) {
	w := bench(b, journey.NewMemory(10))
	for b.Loop() {
		step(0, w, "")
	}
}
