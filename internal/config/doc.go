// Package config reads Filo's one configuration file. It knows where every
// key stands, so that a mistake found by any package is told with its line,
// and it tells all mistakes at once.
//
// A file holds only what differs from [Default]. Lists are replaced; maps of
// named things (queues, channels, numbers) are merged by name, and a name set
// to null is removed.
package config
