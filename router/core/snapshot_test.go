package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSnapshot lets random worlds go on from a snapshot again and again: the
// restored State has the same snapshot, and goes on exactly like the
// reference, which was never interrupted.
func TestSnapshot(t *testing.T) {
	for seed := range uint64(24) {
		w := newWorld(t, 1000+seed)
		for i := range 1500 {
			w.step()
			if i%37 != 0 {
				continue
			}
			data, err := w.state.AppendBinary(nil)
			require.NoError(t, err)
			restored, err := Restore(data)
			require.NoError(t, err, "seed %d step %d", seed, i)
			again, err := restored.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, data, again, "seed %d step %d", seed, i)
			require.Equal(t, w.state.Digest(), restored.Digest())
			w.state = restored
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	w := newWorld(t, 7)
	for range 300 {
		w.step()
	}
	data, err := w.state.AppendBinary(nil)
	require.NoError(t, err)
	_, err = Restore(append(data, 0))
	require.ErrorIs(t, err, ErrSnapshot)
	for n := range data {
		_, err = Restore(data[:n])
		require.ErrorIs(t, err, ErrSnapshot, "cut to %d bytes", n)
	}
}

// FuzzRestore: whatever the bytes, an error or a State that can go on.
func FuzzRestore(f *testing.F) {
	w := newWorld(&testing.T{}, 7)
	for range 200 {
		w.step()
	}
	data, _ := w.state.AppendBinary(nil)
	f.Add(data)
	empty, _ := New(Config{Channels: []ChannelRule{{Weight: 1}}}).AppendBinary(nil)
	f.Add(empty)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Restore(data)
		if err != nil {
			require.ErrorIs(t, err, ErrSnapshot)
			return
		}
		again, err := s.AppendBinary(nil)
		require.NoError(t, err)
		_, err = Restore(again)
		require.NoError(t, err)
	})
}
