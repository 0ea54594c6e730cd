package sim

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const oracles = "../../configs/sim/oracles"

// TestOracles: the core does what theory says, within the tolerances that the
// scenarios state. Short runs (under the race detector) are fewer contacts,
// and may be off by their own noise as well.
func TestOracles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(oracles, "*.yaml"))
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			sc, err := Load(file)
			require.NoError(t, err)
			require.NotEmpty(t, sc.expect)
			if testing.Short() {
				sc.Contacts = 30_000
			}
			res, err := Run(t.Context(), sc, nil)
			require.NoError(t, err)
			for _, v := range res.Expect {
				near := testing.Short() && math.Abs(v.Got.Mean-v.Value) < v.Tolerance()+3*v.Got.Half
				require.True(t, v.Pass || near, "%s: found %s", v.Text, v.Got)
			}
			t.Logf("%d contacts, %.1f M/s", res.Contacts, float64(res.Contacts)/res.Wall/1e6)
		})
	}
}

// TestExample: the scenario that shows every key plays, and keeps what it
// expects.
func TestExample(t *testing.T) {
	sc, err := Load("../../configs/sim/example.yaml")
	require.NoError(t, err)
	res, err := Run(t.Context(), sc, nil)
	require.NoError(t, err)
	require.True(t, res.Pass)
}

// BenchmarkNModel is the goal: contacts a second of wall time, on all cores.
func BenchmarkNModel(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(oracles, "n-model.yaml"))
	require.NoError(b, err)
	b.ReportAllocs()
	contacts, wall := int64(0), 0.0
	for b.Loop() {
		sc, err := Parse("n-model", data, nil)
		require.NoError(b, err)
		sc.Contacts = 2_000_000
		res, err := Run(b.Context(), sc, nil)
		require.NoError(b, err)
		contacts, wall = contacts+res.Contacts, wall+res.Wall
	}
	b.ReportMetric(float64(contacts)/wall, "contacts/s")
}
