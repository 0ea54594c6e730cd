package trace

import (
	"slices"
	"time"
)

// Summary is one contact that is remembered.
type Summary struct {
	Contact string    `json:"contact"`
	At      time.Time `json:"at"` // when its first leg was told
	Roles   []string  `json:"roles"`
}

// Recent returns the newest contacts, at most n, the newest first.
func (r *Recorder) Recent(n int) []Summary { return r.links.recent(n) }

func (l *links) recent(n int) (list []Summary) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, contact := range slices.Backward(l.order) {
		if len(list) == n {
			return list
		}
		c := l.contacts[contact]
		s := Summary{Contact: contact, At: c.legs[0].at.UTC()}
		for _, leg := range c.legs {
			if !slices.Contains(s.Roles, leg.role) {
				s.Roles = append(s.Roles, leg.role)
			}
		}
		list = append(list, s)
	}
	return list
}
