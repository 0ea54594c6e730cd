// Package journeytest holds the contracts of the journey's stores as tests:
// RecordSuite for every Record and HotSuite for every Hot, each against a
// plain map, and a real redis-server to run them on.
package journeytest
