package desk

import (
	"net/http"
)

// routes is the whole of API.md.
func (d *Desk) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/session", d.signIn)
	mux.HandleFunc("GET /api/session", d.api("session", AgentRole, d.whoAmI))
	mux.HandleFunc("DELETE /api/session", d.api("sign_out", AgentRole, d.signOut))
	mux.HandleFunc("GET /api/events", d.open(d.events))
	mux.HandleFunc("GET /api/config", d.api("config", AgentRole, d.appConfig))
	mux.HandleFunc("GET /api/directory", d.api("directory", AgentRole, d.directory))
	mux.HandleFunc("GET /api/floor", d.api("floor", Supervisor, d.floor))
	mux.HandleFunc("POST /api/agent/state", d.api("state", AgentRole, d.setState))
	mux.HandleFunc("POST /api/offers/{id}/accept", d.api("accept", AgentRole, d.accept))
	mux.HandleFunc("POST /api/offers/{id}/reject", d.api("reject", AgentRole, d.reject))
	mux.HandleFunc("POST /api/contacts/{id}/command", d.api("command", AgentRole, d.command))
	mux.HandleFunc("POST /api/contacts/{id}/monitor", d.api("monitor", Supervisor, d.monitorCall))
	mux.HandleFunc("POST /api/contacts/{id}/verify", d.api("verify", AgentRole, d.verify))
	mux.HandleFunc("POST /api/contacts/{id}/reply", d.api("reply", AgentRole, d.reply))
	mux.HandleFunc("POST /api/contacts/{id}/wrapup", d.api("wrapup", AgentRole, d.wrapUp))
	mux.HandleFunc("POST /api/contacts/{id}/wrapup/extend", d.api("extend", AgentRole, d.extend))
	mux.HandleFunc("POST /api/contacts/{id}/answered", d.api("answered", AgentRole, d.answered))
	mux.HandleFunc("GET /api/contacts/{id}/thread", d.api("thread", AgentRole, d.thread))
	mux.HandleFunc("GET /api/contacts/{id}/content/{ref}", d.api("content", AgentRole, d.content))
	mux.HandleFunc("GET /api/contacts/{id}/trace", d.api("trace", AgentRole, d.trace))
	mux.HandleFunc("GET /api/contacts/{id}/trace.pcap", d.api("capture", Supervisor, d.capture))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]any{"error": map[string]string{"code": "not_found", "message": "no such call"}})
	})
	mux.HandleFunc("GET /desk/", d.pages.serve)
	mux.HandleFunc("GET /shop/", d.pages.serve)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		to := "/desk/"
		if d.cfg.Demo {
			to = "/shop/"
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	return secure(mux)
}

// appConfig answers what the web app must know before anything happens.
func (d *Desk) appConfig(http.ResponseWriter, *http.Request, *session) (any, error) {
	return struct {
		Dispositions []Disposition `json:"dispositions"`
		Reasons      []Label       `json:"reasons"`
		Languages    []string      `json:"languages"`
		Demo         bool          `json:"demo"`
		Recording    bool          `json:"recording"`
	}{d.cfg.Dispositions, d.cfg.Reasons, []string{"en", "it"}, d.cfg.Demo, d.deps.Calls != nil && d.deps.Calls.Records()}, nil
}

// floor answers the supervisors' picture of this moment.
func (d *Desk) floor(_ http.ResponseWriter, r *http.Request, _ *session) (any, error) {
	snap, err := d.deps.Router.Snapshot(r.Context())
	if err != nil {
		return nil, err //nolint:wrapcheck // the router's own words
	}
	return d.floorOf(r.Context(), snap)
}
