package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filo/ivr"
	"filo/media"
	"filo/router"
)

// maxFile bounds the configuration file.
const maxFile = 4 << 20

// Config is the whole configuration: one section for each package.
type Config struct {
	DataDir string        `yaml:"data_dir"` // everything that Filo keeps; made if absent
	Log     Log           `yaml:"log"`
	HTTP    HTTP          `yaml:"http"`
	IVR     ivr.Config    `yaml:"ivr"`
	Media   media.Config  `yaml:"media"`
	Router  router.Config `yaml:"router"`
}

// Default returns the configuration that an empty file means: everything on
// loopback, the built-in flow, data in ./data.
func Default() Config {
	return Config{
		DataDir: "data",
		Log:     Log{Level: "info", Format: "text"},
		HTTP:    HTTP{Addr: "127.0.0.1:8080"},
		IVR:     ivr.DefaultConfig(),
		Media:   media.DefaultConfig(),
		Router:  router.DefaultConfig(),
	}
}

// section is one part of the configuration and its check.
type section struct {
	key      string
	validate func() error
}

// sections lists the parts that check themselves, in the order of messages.
// The key "" is for checks whose errors name the whole path.
func (c Config) sections() []section {
	return []section{
		{"", c.validateTop},
		{"log", c.Log.Validate},
		{"http", c.HTTP.Validate},
		{"ivr", c.IVR.Validate},
		{"media", c.Media.Validate},
		{"router", c.Router.Validate},
	}
}

// Validate reports every mistake in the values, each beginning with its key.
func (c Config) Validate() error {
	var errs []error
	for _, s := range c.sections() {
		for _, err := range flatten(s.validate()) {
			if s.key != "" {
				err = fmt.Errorf("%s.%w", s.key, err)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Load reads the file at path over Default. The error joins every mistake as
// "file:line: key.path: message". Relative paths in the file stay relative to
// the working directory.
func Load(path string) (Config, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return Config{}, fmt.Errorf("open configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := readAll(file, maxFile)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(filepath.Base(path), data)
}

// Parse is Load of the text of a file; name stands before the line in messages.
func Parse(name string, data []byte) (Config, error) {
	doc, err := parseDocument(name, data)
	if err != nil {
		return Config{}, err
	}
	cfg := Default()
	if err := doc.decode(&cfg); err != nil {
		return Config{}, err
	}
	if err := doc.locate(cfg.Validate()); err != nil {
		return Config{}, err
	}
	return cfg, nil
}
