package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is the tree as it is served: desk/index.html, shop/index.html,
// desk/assets/ (names with a hash, never changed), placeholder.html.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the directory is part of the embed pattern
	}
	return files
}
