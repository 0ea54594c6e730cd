package desk

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"filo/contact"
)

// directoryJSON is to whom a call can be transferred, or who can be consulted.
type directoryJSON struct {
	Agents  []colleagueJSON `json:"agents"` // by name; never the one who asks
	Queues  []labelledJSON  `json:"queues"` // by id
	Numbers bool            `json:"numbers"`
}

type colleagueJSON struct {
	ID    contact.AgentID    `json:"id"`
	Name  string             `json:"name"`
	State contact.AgentState `json:"state"`
}

type labelledJSON struct {
	ID    string            `json:"id"`
	Label map[string]string `json:"label"`
}

// directory serves GET /api/directory. States are those of the last picture
// of the board, which is taken all the time while desks are open.
func (d *Desk) directory(_ http.ResponseWriter, _ *http.Request, s *session) (any, error) {
	states := map[contact.AgentID]contact.AgentState{}
	for _, a := range d.picture().snap.Agents {
		states[a.ID] = a.State
	}
	j := directoryJSON{Agents: []colleagueJSON{}, Queues: []labelledJSON{}, Numbers: d.deps.Calls != nil && d.deps.Calls.Dials()}
	for u := range d.users.all() {
		if id := contact.AgentID(u.User); u.takesContacts() && u != s.user {
			j.Agents = append(j.Agents, colleagueJSON{ID: id, Name: u.Name, State: cmp.Or(states[id], contact.LoggedOut)})
		}
	}
	slices.SortFunc(j.Agents, func(a, b colleagueJSON) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	for _, id := range slices.Sorted(maps.Keys(d.deps.Routing.Queues)) {
		j.Queues = append(j.Queues, labelledJSON{ID: id, Label: d.queueLabel(id)})
	}
	return j, nil
}
