package desk

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/sip/trace"
)

const tracedInvite = "INVITE sip:100@filo.example SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\n" +
	"From: \"" + canary + "\" <sip:+393475554419@telco.example>;tag=1\r\nTo: <sip:100@filo.example>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\r\n"

// TestTrace: who had the call sees its ladder, a supervisor its messages too,
// nobody a number or a name.
func TestTrace(t *testing.T) {
	recorder := trace.New(trace.DefaultConfig())
	f := newFixture(t, func(_ *Config, d *Deps) { d.Trace = recorder })
	paola, _, card, o := offerTo(t, f, contact.D2)
	path := "/api/contacts/" + string(card.Contact) + "/trace"
	recorder.Leg(string(card.Contact), "one", "caller telco")
	recorder.Message(trace.Message{In: true, Network: "udp", Data: []byte(tracedInvite)})

	code, body := paola.call(http.MethodGet, path, nil)
	require.Equal(t, http.StatusForbidden, code, "it is only offered: %s", body)
	code, body = paola.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	require.Equal(t, http.StatusOK, code, body)
	for who, want := range map[*client]struct {
		code     int
		messages bool
	}{
		paola:             {200, false},
		f.signIn("marta"): {404, false},
		f.signIn("boss"):  {200, true},
	} {
		code, body := who.call(http.MethodGet, path, nil)
		require.Equal(t, want.code, code, body)
		require.NotContains(t, body, "Canarina")
		require.NotContains(t, body, "5554419")
		if code != http.StatusOK {
			continue
		}
		var l trace.Ladder
		require.NoError(t, json.Unmarshal([]byte(body), &l))
		require.Equal(t, "INVITE", l.Rows[0].Text)
		require.Equal(t, "+39 347 ••• 4419", l.Parties[0].User)
		require.Equal(t, want.messages, l.Rows[0].Data != "")

		code, body = who.call(http.MethodGet, path+".pcap", nil)
		if !want.messages {
			require.Equal(t, http.StatusForbidden, code, body)
			continue
		}
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, "INVITE sip:")
		require.NotContains(t, body, "5554419")
	}
	boss := f.signIn("boss")
	for _, id := range []string{"one", "c_2", "leg"} {
		code, _ = boss.call(http.MethodGet, "/api/contacts/"+id+"/trace", nil)
		require.Equal(t, http.StatusNotFound, code, id)
	}
}

func TestNoTrace(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/trace", "/trace.pcap"} {
		code, _ := f.signIn("boss").call(http.MethodGet, "/api/contacts/c_1"+path, nil)
		require.Equal(t, http.StatusNotFound, code)
	}
}
