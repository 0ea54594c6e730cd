package voice

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"filo/ivr"
	"filo/media"
)

// promptCache turns the sound files of the flows into paced frames, once each.
type promptCache struct {
	files *ivr.Prompts
	mu    sync.Mutex
	ready map[ivr.Prompt]media.Prompt
}

// maxPrompts bounds the cache: a flow may speak texts that it computes.
const maxPrompts = 1000

func newPromptCache(files *ivr.Prompts) *promptCache {
	return &promptCache{files: files, ready: map[ivr.Prompt]media.Prompt{}}
}

func (c *promptCache) load(ctx context.Context, p ivr.Prompt) (media.Prompt, error) {
	c.mu.Lock()
	ready, ok := c.ready[p]
	c.mu.Unlock()
	if ok {
		return ready, nil
	}
	wav, err := c.files.Lookup(ctx, p)
	if err != nil {
		return media.Prompt{}, fmt.Errorf("find prompt: %w", err)
	}
	loaded, err := media.LoadWAV(bytes.NewReader(wav))
	if err != nil {
		return media.Prompt{}, fmt.Errorf("load prompt %q: %w", p.ID, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) >= maxPrompts {
		clear(c.ready)
	}
	c.ready[p] = loaded
	return loaded, nil
}
