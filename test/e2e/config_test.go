package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// Mistakes in the configuration: all of them at once, with key and line, and
// nothing was started.
func TestRowBadInput_ConfigMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("filo.yaml", `data_dir: `+w.path("data")+`
http: {addr: "0.0.0.0:0"}
sip:
  listen: [{network: carrier-pigeon, bind: "127.0.0.1:0"}]
  trunks:
    - {name: telco, allow: [not-a-network]}
router:
  rona_limit: -1
  queues:
    checkout: {offer_timeout: 5ms}
desk: {users_file: `+w.path("users.yaml")+`}
`)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "serve", "-config", w.path("filo.yaml"))
	cmd.Env = append(os.Environ(), nodeEnv+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	for _, mistake := range []string{
		"filo.yaml:2: http.", "filo.yaml:4: sip.listen[0].network: ", "filo.yaml:6: sip.trunks[0].allow[0]: ",
		"filo.yaml:8: router.rona_limit: ", "filo.yaml:10: router.queues.checkout.offer_timeout: ",
	} {
		require.Contains(t, out.String(), mistake)
	}
	require.NoDirExists(t, w.path("data"), "nothing was started")
}
