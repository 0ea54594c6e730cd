package desk

import (
	"filo/journey"
	"filo/measure"
	"filo/router"
)

// The packages that the desk is wired to keep what it asks for.
var (
	_ Router  = (*router.Router)(nil)
	_ Thread  = (*journey.Journey)(nil)
	_ Measure = (*measure.Engine)(nil)
)
