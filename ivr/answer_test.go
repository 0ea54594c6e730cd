package ivr_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"filo/ivr"
)

// answeringPort notes what was played before and after the answer.
type answeringPort struct {
	*fakePort
	fails error
}

func (p *answeringPort) Answer(context.Context) error {
	p.played = append(p.played, "answered")
	return p.fails
}

const earlyFlow = `
answer: early
prompts:
  hello: {en: hello}
  thanks: {en: thanks}
steps:
  one: {say: hello}
  two: {answer: }
  three: {say: thanks}
  four: {hangup: }
`

func TestAnswerStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := parse(t, earlyFlow)
		require.True(t, flow.Early())
		p := &answeringPort{fakePort: newFakePort()}
		_, err := ivr.Run(t.Context(), flow, p, ivr.Env{})
		require.NoError(t, err)
		require.Equal(t, []string{"0s hello 1s", "answered", "1s thanks 1s"}, p.played)

		gone := &answeringPort{fakePort: newFakePort(), fails: errors.New("caller gone")}
		_, err = ivr.Run(t.Context(), flow, gone, ivr.Env{})
		require.ErrorContains(t, err, "step two: answer: caller gone")

		plain := newFakePort() // a line that is answered already
		_, err = ivr.Run(t.Context(), flow, plain, ivr.Env{})
		require.NoError(t, err)
		require.Equal(t, []string{"0s hello 1s", "1s thanks 1s"}, plain.played)
	})
	require.False(t, parse(t, "answer: now\nsteps:\n  one: {hangup: }\n").Early())
	require.False(t, parse(t, "steps:\n  one: {hangup: }\n").Early())
}
