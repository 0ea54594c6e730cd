package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

// BenchmarkAppend is what the loop pays for each command.
func BenchmarkAppend(b *testing.B) {
	for _, effects := range []int{0, 1, 3} {
		b.Run(string(rune('0'+effects))+"effects", func(b *testing.B) {
			j := &Journal{ring: newRing(ringSize), wake: make(chan struct{}, 1)}
			cmd := core.Command{Op: core.OpArrive, Contact: 7, Type: 2, Plan: 3, Tier: 1, Time: 1e18, Agent: core.Nobody}
			list := make([]core.Effect, effects)
			b.ReportAllocs()
			for b.Loop() {
				j.Command(1e18, &cmd, list)
				j.ring.taken.Store(j.ring.tail) // nobody follows
			}
		})
	}
}

// BenchmarkDigest is the part of it that depends on the effects.
func BenchmarkDigest(b *testing.B) {
	list := make([]core.Effect, 3)
	var sum uint64
	for b.Loop() {
		sum += digest(list)
	}
	_ = sum
}

// BenchmarkEncode is what the shadow pays beside applying.
func BenchmarkEncode(b *testing.B) {
	e := entry{kind: commandRecord, now: 1e18, cmd: core.Command{
		Op: core.OpArrive, Contact: 7, Type: 2, Plan: 3, Tier: 1, Time: 1e18, Agent: core.Nobody,
	}}
	buf := make([]byte, 0, 1024)
	var hash uint64
	b.ReportAllocs()
	for b.Loop() {
		buf = append(buf[:0], make([]byte, frameSize)...)
		buf = e.payload(buf)
		hash = roll(hash, e.kind, buf[frameSize:], 1)
		seal(buf, e.kind, hash)
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

// BenchmarkLatency runs the same commands with and without a journal, in turn,
// at a pace, with some 10,000 contacts in the State, and reports what Apply
// took and what the loop paid in all. With "snapshots" one is in the making all
// the time.
func BenchmarkLatency(b *testing.B) {
	for name, segment := range map[string]int64{"steady": 64 << 20, "snapshots": 256 << 10} {
		b.Run(name, func(b *testing.B) {
			cfg := testConfig(b)
			cfg.SegmentBytes = segment
			j, rec := open(b, cfg, Deps{})
			benchmarkLatency(b, newWorld(31, rec.State, j), newWorld(31, core.New(testRules()), nil))
		})
	}
}

func benchmarkLatency(b *testing.B, with, without *world) {
	const pace = 20 * time.Microsecond // 50,000 commands a second
	for _, w := range []*world{with, without} {
		w.agents, w.contacts, w.patience = 400, 12_000, 40
		w.define()
		w.fixed = true
		for range 30_000 {
			w.step()
		}
	}
	took, pays := map[*world][]time.Duration{}, map[*world][]time.Duration{}
	w, other := with, without
	for n := 0; b.Loop(); n++ {
		if n%64 == 0 { // in turn
			w, other = other, w
		}
		w.now += int64(w.r.IntN(3))
		cmd := w.command()
		start := time.Now()
		w.effects = w.state.Apply(w.now, cmd, w.effects[:0])
		applied := time.Now()
		if w.journal != nil {
			w.journal.Command(w.now, &cmd, w.effects)
		}
		end := time.Now()
		took[w], pays[w] = append(took[w], applied.Sub(start)), append(pays[w], end.Sub(start))
		w.observe()
		if n%50 == 0 && w.journal != nil { // an acceptance a millisecond
			w.journal.Sync(w.journal.base + w.journal.ring.tail)
		}
		for time.Since(start) < pace { //nolint:revive // a sleep is too coarse
		}
	}
	quantiles(b, "apply-with", took[with])
	quantiles(b, "apply-without", took[without])
	quantiles(b, "all-with", pays[with])
	quantiles(b, "all-without", pays[without])
}

func quantiles(b *testing.B, name string, list []time.Duration) {
	if slices.Sort(list); len(list) > 0 {
		b.ReportMetric(float64(list[len(list)/2]), name+"-p50-ns")
		b.ReportMetric(float64(list[len(list)*99/100]), name+"-p99-ns")
	}
}

// BenchmarkCommit is the time from a command to its durability, one at a time,
// beside what this disk takes to sync.
func BenchmarkCommit(b *testing.B) {
	j, rec := open(b, testConfig(b), Deps{})
	w := newWorld(32, rec.State, j)
	w.define()
	w.fixed = true
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	require.NoError(b, err)
	var commits, bare []time.Duration
	for b.Loop() {
		seq, start := w.step(), time.Now()
		await(b, j, seq)
		commits = append(commits, time.Since(start))
		start = time.Now()
		_, err := f.Write(make([]byte, 60))
		require.NoError(b, errors.Join(err, f.Sync()))
		bare = append(bare, time.Since(start))
	}
	require.NoError(b, f.Close())
	quantiles(b, "commit", commits)
	quantiles(b, "bare", bare)
}

// BenchmarkThroughput is the whole way: apply, append, shadow, write, sync.
func BenchmarkThroughput(b *testing.B) {
	j, rec := open(b, testConfig(b), Deps{})
	w := newWorld(33, rec.State, j)
	w.define()
	w.fixed = true
	var seq uint64
	for b.Loop() {
		seq = w.step()
	}
	await(b, j, seq)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkReplay is the speed of recovery.
func BenchmarkReplay(b *testing.B) {
	cfg := testConfig(b)
	j, rec := open(b, cfg, Deps{})
	w := newWorld(34, rec.State, j)
	w.define()
	w.fixed = true
	var seq uint64
	for range 200_000 {
		seq = w.step()
	}
	await(b, j, seq)
	log, err := os.ReadFile(lastLog(b, cfg.Dir))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := newReplica(testRules())
		in := newReader(bytes.NewReader(log))
		for {
			rec, err := in.next()
			if err != nil {
				break
			}
			if rec.kind != headRecord && rec.kind != markRecord {
				if err := r.replay(rec); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(seq)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(len(log))/float64(seq), "bytes/record")
}
