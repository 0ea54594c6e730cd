package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

func TestDefaultConfigIsValid(t *testing.T) { require.NoError(t, DefaultConfig().Validate()) }

func TestValidateNamesEveryKey(t *testing.T) {
	cfg := DefaultConfig()
	cfg.RONALimit = -1
	cfg.Channels[contact.Voice] = Channel{Weight: 50, Limit: 20, OfferTimeout: time.Millisecond}
	cfg.Queues["sales"] = Queue{
		Skills: []contact.Skill{{Name: "ok", Min: 1}, {Name: "", Min: 101}}, Select: "best", Priority: 1000,
	}
	err := cfg.Validate()
	for _, key := range []string{
		"rona_limit: ", "channels.voice.cap: ", "channels.voice.limit: ", "channels.voice.offer_timeout: ",
		"queues.sales.skills[1].name: ", "queues.sales.skills[1].min: ", "queues.sales.select: ", "queues.sales.priority: ",
	} {
		require.ErrorContains(t, err, key)
	}
	_, err = New(cfg, Deps{})
	require.Error(t, err)
}
