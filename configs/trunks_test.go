package configs_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/internal/config"
)

// TestTrunkSamples: "filo check" finds nothing wrong with any of them.
func TestTrunkSamples(t *testing.T) {
	t.Chdir("..") // where the samples say that they are checked
	samples, err := filepath.Glob("configs/trunks/*.yaml")
	require.NoError(t, err)
	require.Len(t, samples, 3)
	for _, sample := range samples {
		_, err := config.Check(sample)
		require.NoError(t, err, sample)
	}
}
