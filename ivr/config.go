package ivr

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Config is the ivr section of the configuration.
type Config struct {
	// FlowsDir holds flows, one a file, named "<flow>.yaml". They win over
	// the built-in flows of the same name. Empty: the built-in ones alone.
	FlowsDir string `yaml:"flows_dir"`
	// PromptsDir holds sound files, "<language>/<prompt>.wav". They win over
	// the built-in ones. Empty: the built-in ones alone.
	PromptsDir string `yaml:"prompts_dir"`
	// Speech says how texts without a sound file are spoken.
	Speech SpeechConfig `yaml:"speech"`
}

// DefaultConfig runs the built-in flow with the built-in prompts.
func DefaultConfig() Config {
	return Config{Speech: DefaultSpeech()}
}

// Validate reports every mistake, each with its key.
func (c Config) Validate() error {
	var errs []error
	for _, one := range unjoin(c.Speech.Validate()) {
		errs = append(errs, fmt.Errorf("speech.%w", one))
	}
	return errors.Join(errs...)
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // taken apart, not matched
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// LoadFlows parses every "<flow>.yaml" of the sources, the first of which
// wins. Names in messages begin with the source's label. The error joins the
// mistakes of all files.
func LoadFlows(sources ...Source) (map[string]*Flow, error) {
	var errs []error
	flows := make(map[string]*Flow)
	seen := make(map[string]bool)
	for _, source := range sources {
		files, err := fs.Glob(source.FS, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("list flows: %w", err)
		}
		slices.Sort(files)
		for _, file := range files {
			name := strings.TrimSuffix(file, ".yaml")
			if seen[name] {
				continue
			}
			seen[name] = true
			flow, err := loadFlow(source, file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			flows[name] = flow
		}
	}
	return flows, errors.Join(errs...)
}

// Source is a directory of flows and its name in messages.
type Source struct {
	Label string
	FS    fs.FS
}

func loadFlow(source Source, file string) (*Flow, error) {
	label := path.Join(source.Label, file)
	if name := strings.TrimSuffix(file, ".yaml"); !namePattern.MatchString(name) {
		return nil, fmt.Errorf("%s: bad name of a flow: small letters, digits, - and _", label)
	}
	data, err := fs.ReadFile(source.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read flow: %w", err)
	}
	return Parse(label, data)
}
