package journal

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

func randomCommand(r *rand.Rand) core.Command {
	pick := func(v uint64) uint64 {
		if r.IntN(2) == 0 {
			return 0
		}
		return v
	}
	return core.Command{
		Offer: pick(r.Uint64()), Time: int64(pick(r.Uint64())), Dur: int64(pick(r.Uint64())),
		Agent: core.Agent(pick(r.Uint64())), Contact: core.Contact(pick(r.Uint64())), Other: core.Contact(pick(r.Uint64())), Type: core.Type(pick(r.Uint64())),
		Plan: core.Plan(pick(r.Uint64())), Class: core.Class(pick(r.Uint64())), Priority: int16(pick(r.Uint64())),
		Op: core.Op(pick(r.Uint64())), Tier: uint8(pick(r.Uint64())), Reason: core.Reason(pick(r.Uint64())),
		Channels: uint8(pick(r.Uint64())), Size: uint32(pick(r.Uint64())), Room: core.Room(pick(r.Uint64())),
	}
}

func TestCommandRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		cmd, now := randomCommand(r), int64(r.Uint64())
		p := appendCommand(nil, now, &cmd)
		require.LessOrEqual(t, len(p), maxCommand)
		gotNow, got, err := parseCommand(p)
		require.NoError(t, err)
		require.Equal(t, now, gotNow)
		require.Equal(t, cmd, got)
		for n := range p {
			_, _, err := parseCommand(p[:n])
			require.Error(t, err, "%d of %d bytes", n, len(p))
		}
		_, _, err = parseCommand(append(p, 0))
		require.Error(t, err)
	}
}

// TestEveryFieldIsKept fails when a command gets a field that is not written.
func TestEveryFieldIsKept(t *testing.T) {
	cmd := core.Command{
		Offer: 1, Time: 2, Dur: 3, Agent: 4, Contact: 5, Type: 6, Plan: 7, Class: 8, Priority: -9, Op: 10, Tier: 11,
		Reason: 12, Channels: 13, Size: 14, Room: 15, Other: 16,
	}
	requireNoZero(t, cmd)
	p := appendCommand(nil, 99, &cmd)
	require.Len(t, p, maxCommand)
	_, got, err := parseCommand(p)
	require.NoError(t, err)
	require.Equal(t, cmd, got)
}

// TestDigestSeesEveryField changes one field of an effect at a time.
func TestDigestSeesEveryField(t *testing.T) {
	seen := map[uint64]string{digest(nil): "none", digest([]core.Effect{{}}): "zero"}
	eachField(t, core.Effect{}, func(name string, e core.Effect) {
		if name == "Considered" {
			require.Equal(t, digest([]core.Effect{{}}), digest([]core.Effect{e}))
			return
		}
		d := digest([]core.Effect{e})
		require.NotContains(t, seen, d, name)
		seen[d] = name
	})
	a, b := core.Effect{Contact: 1}, core.Effect{Contact: 2}
	require.NotEqual(t, digest([]core.Effect{a, b}), digest([]core.Effect{b, a}))
	require.NotEqual(t, digest([]core.Effect{a}), digest([]core.Effect{a, a}))
}

func TestFrames(t *testing.T) {
	var file []byte
	file = appendFrame(file, noteRecord, 7, []byte("one"))
	second := len(file)
	file = appendFrame(file, markRecord, 8, nil)
	file = appendFrame(file, stateRecord, 9, bytes.Repeat([]byte("x"), 100_000))

	in := newReader(bytes.NewReader(file))
	rec, err := in.next()
	require.NoError(t, err)
	require.Equal(t, "one", string(rec.payload))
	require.Equal(t, uint64(7), rec.hash)
	rec, err = in.next()
	require.NoError(t, err)
	require.Equal(t, markRecord, rec.kind)
	require.Equal(t, int64(second), rec.at)
	rec, err = in.next()
	require.NoError(t, err)
	require.Len(t, rec.payload, 100_000)
	_, err = in.next()
	require.Equal(t, io.EOF, err)

	for n := range second {
		if n == 0 {
			continue
		}
		_, err := newReader(bytes.NewReader(file[:n])).next()
		require.ErrorIs(t, err, errBad, "%d bytes", n)
	}
	for bit := range second * 8 {
		bad := bytes.Clone(file[:second])
		bad[bit/8] ^= 1 << (bit % 8)
		_, err := newReader(bytes.NewReader(bad)).next()
		require.ErrorIs(t, err, errBad, "bit %d", bit)
	}
}

func TestMarkBehind(t *testing.T) {
	junk := bytes.Repeat([]byte{9, 0, 0, 7}, 5000)
	with := append(bytes.Clone(junk), appendFrame(nil, markRecord, uint64(1000+len(junk)), nil)...)
	wrong := append(bytes.Clone(junk), appendFrame(nil, markRecord, 77, nil)...)
	for _, c := range []struct {
		name string
		src  []byte
		want bool
	}{{"none", junk, false}, {"empty", nil, false}, {"mark", with, true}, {"mark of another place", wrong, false}} {
		t.Run(c.name, func(t *testing.T) {
			got, err := markBehind(bytes.NewReader(c.src), 1000)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestConfig(t *testing.T) {
	cfg := DefaultConfig()
	require.ErrorContains(t, cfg.Validate(), "dir: is empty")
	cfg.Dir = "x"
	require.NoError(t, cfg.Validate())
	err := Config{Dir: "x"}.Validate()
	for _, key := range []string{"sync_interval: ", "commit_timeout: ", "retry_interval: ", "segment_bytes: ", "max_pending: "} {
		require.ErrorContains(t, err, key)
	}
}
