package route

import (
	"errors"
	"fmt"
	"io"
)

// Config says what world to measure, and how long.
type Config struct {
	Agents   int
	Waiting  int  // contacts in the backlog
	Skills   int  // that there are
	Distinct bool // no two agents and no two contacts alike
	Seed     uint64
	Samples  int       // of each figure, and a fifth of the cycles
	Profile  io.Writer // takes a CPU profile of what is measured; nil: none
}

// DefaultConfig is a large centre on a bad day.
func DefaultConfig() Config {
	return Config{Agents: 10_000, Waiting: 100_000, Skills: 200, Seed: 1, Samples: 200_000}
}

// DistinctSkills are the skills that there are in a published distinct world.
const DistinctSkills = 1_000

// Bounds of worlds.
const (
	maxAgents  = 1 << 20
	maxWaiting = 2 << 20
	maxSkills  = 10_000
	maxSamples = 100_000_000
)

var errConfig = errors.New("bad world")

// Validate returns every mistake; each begins with its key.
func (c Config) Validate() error {
	var errs []error
	for _, b := range []struct {
		key          string
		value, least int
		most         int
	}{
		{"agents", c.Agents, 2, maxAgents},
		{"waiting", c.Waiting, 0, maxWaiting},
		{"skills", c.Skills, 1, maxSkills},
		{"samples", c.Samples, 100, maxSamples},
	} {
		if b.value < b.least || b.value > b.most {
			errs = append(errs, fmt.Errorf("%s: %w: %d is not in %d to %d", b.key, errConfig, b.value, b.least, b.most))
		}
	}
	return errors.Join(errs...)
}

// Worlds are all the worlds of which figures are published, with the samples
// and the seed of cfg.
func Worlds(cfg Config) []Config {
	var list []Config
	for _, cfg.Agents = range []int{100, 1_000, 10_000, 100_000} {
		for _, cfg.Skills = range []int{10, 200} {
			for _, cfg.Waiting = range []int{0, 1_000, 100_000, 1_000_000} {
				list = append(list, cfg)
			}
		}
	}
	cfg.Distinct, cfg.Skills = true, DistinctSkills
	for _, cfg.Agents = range []int{1_000, 10_000} {
		for _, cfg.Waiting = range []int{0, 1_000, 100_000} {
			list = append(list, cfg)
		}
	}
	return list
}
