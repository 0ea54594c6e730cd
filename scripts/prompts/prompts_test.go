package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestPromptsAreSpoken: every text has its sound file, made of this very text.
func TestPromptsAreSpoken(t *testing.T) {
	prompts, err := texts(root)
	require.NoError(t, err)
	spoken, err := os.ReadFile(filepath.Join(root, sumsFile))
	require.NoError(t, err)
	require.Equal(t, string(spoken), sums(prompts), "a text changed: run make prompts")

	size := int64(0)
	for _, p := range prompts {
		info, err := os.Stat(filepath.Join(root, promptsDir, p.Lang, p.ID+".wav"))
		require.NoError(t, err, "run make prompts")
		require.Greater(t, info.Size(), int64(4000), "%s in %s is too short to be speech", p.ID, p.Lang)
		size += info.Size()
	}
	require.Less(t, size, int64(1_500_000), "the program carries these")
}

func TestMusic(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join(root, promptsDir, "music.wav"))
	require.NoError(t, err)
	made := music()
	require.Equal(t, made[:58], shipped[:58])
	require.Len(t, shipped, 58+24*rate)
}
