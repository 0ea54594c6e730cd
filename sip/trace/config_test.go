package trace

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	err := Config{
		Bytes: 5, MaxMessage: 70000, MaxContacts: 0, HEP: HEP{Server: "homer", Network: "pigeon"},
	}.Validate()
	require.Error(t, err)
	for _, key := range []string{"bytes:", "max_message:", "max_contacts:", "hep.network:", "hep.server:"} {
		require.Contains(t, "\n"+err.Error(), "\n"+key)
	}
	for server, want := range map[string]string{"homer:0": "port", ":9060": "host:port", "homer:9060": ""} {
		cfg := DefaultConfig()
		cfg.HEP.Server = server
		if err := cfg.Validate(); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	off := DefaultConfig()
	off.Bytes, off.HEP.Server = 0, "homer:9060"
	require.True(t, strings.HasPrefix(off.Validate().Error(), "hep.server: "))
}
