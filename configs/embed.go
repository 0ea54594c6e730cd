package configs

import (
	"embed"
	"io/fs"
)

//go:embed filo.yaml users.example.yaml flows prompts
var files embed.FS

// Manual returns filo.yaml: every key with its default and what it means.
func Manual() []byte { return must(files.ReadFile("filo.yaml")) }

// ExampleUsers returns users.example.yaml.
func ExampleUsers() []byte { return must(files.ReadFile("users.example.yaml")) }

// Flows holds the flows, "<flow>.yaml".
func Flows() fs.FS { return must(fs.Sub(files, "flows")) }

// Prompts holds the sound files, "<language>/<prompt>.wav" and "music.wav".
func Prompts() fs.FS { return must(fs.Sub(files, "prompts")) }

// must is for errors that the embedding rules out.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
