package app

import "fmt"

// Histogram is how many values a histogram of the node has seen, and their
// sum, over all its labels.
func (a *App) Histogram(name string) (count uint64, sum float64, err error) {
	families, err := a.reg.Gather()
	if err != nil {
		return 0, 0, fmt.Errorf("gather metrics: %w", err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			count += m.GetHistogram().GetSampleCount()
			sum += m.GetHistogram().GetSampleSum()
		}
	}
	return count, sum, nil
}
