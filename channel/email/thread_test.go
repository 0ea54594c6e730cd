package email

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

func TestSignedAddresses(t *testing.T) {
	s := signer{secret: testSecret, domain: "mail.shop.example"}
	thread := newThread()
	address := s.address("Help@shop.example", thread)
	local, _, _ := strings.Cut(address, "@")
	require.LessOrEqual(t, len(local), 64)
	tests := []struct{ name, address, thread string }{
		{"ours", address, thread},
		{"upper case", strings.ToUpper(address), thread},
		{"plain", "help@shop.example", ""},
		{"of another inbox", strings.Replace(address, "Help", "lists", 1), ""},
		{"changed", strings.Replace(address, thread, newThread(), 1), ""},
		{"of another secret", signer{secret: []byte("other")}.address("Help@shop.example", thread), ""},
		{"short", "help+x@shop.example", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inbox, got := s.splitAddress(tt.address)
			require.Equal(t, tt.thread, got)
			require.NotContains(t, inbox, "+")
		})
	}
	id := s.messageID(thread)
	require.Equal(t, thread, s.threadOf(id))
	require.Empty(t, s.threadOf(strings.Replace(id, thread, newThread(), 1)))
	require.Empty(t, s.threadOf("m1@example.com"))
	require.NotEqual(t, id, s.messageID(thread))
}

func TestThreading(t *testing.T) {
	d := &desk{}
	c := testChannel(t, testConfig(), d)
	ours := newThread()
	sent := c.signer.messageID(ours)
	d.put(journey.Event{ID: "e_sent", SourceID: sent, Dir: contact.Outbound, Customer: "p_1", Attrs: map[string]string{"thread": ours, "to": "giulia@example.com"}})
	d.put(journey.Event{ID: "e_first", SourceID: "first@example.com", Dir: contact.Inbound, Customer: "p_1", Attrs: map[string]string{"thread": "tfirst", "from": "giulia@example.com"}})
	plus := newThread()
	tests := []struct {
		name    string
		from    string
		threads []string
		refs    string
		replyTo string
		want    string // thread; "" is a new one
		event   string
	}{
		{"nothing", "giulia@example.com", nil, "", "", "", ""},
		{"signed address wins", "giulia@example.com", []string{plus}, "<first@example.com>", "", plus, ""},
		{"signed address of anybody", "eve@example.com", []string{plus}, "", "", plus, ""},
		{"signed Message-ID in References", "giulia@example.com", nil, "<first@example.com> <" + sent + ">", "", ours, "e_sent"},
		{"signed Message-ID in In-Reply-To", "giulia@work.example", nil, "", "<" + sent + ">", ours, "e_sent"},
		{"forged Message-ID", "giulia@example.com", nil, "<" + strings.Replace(sent, ours, plus, 1) + ">", "", "", ""},
		{"References by the same person", "giulia@example.com", nil, "<first@example.com>", "", "tfirst", "e_first"},
		{"References by a stranger", "eve@example.com", nil, "<first@example.com>", "", "", ""},
		{"In-Reply-To alone", "giulia@example.com", nil, "", "<first@example.com>", "", ""},
		{"unknown References", "giulia@example.com", nil, "<other@example.com>", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Mail{References: ids(tt.refs), InReplyTo: ids(tt.replyTo)}
			m.From.Address = tt.from
			got, err := c.thread(t.Context(), envelope{threads: tt.threads}, m)
			require.NoError(t, err)
			if tt.want == "" {
				require.NotContains(t, []string{plus, ours, "tfirst"}, got.id)
				require.Len(t, got.id, threadLen)
			} else {
				require.Equal(t, tt.want, got.id)
			}
			require.Equal(t, tt.event, got.event)
		})
	}
}

func TestQuietMail(t *testing.T) {
	d := &desk{}
	c := testChannel(t, testConfig(), d)
	sent := c.signer.messageID(newThread())
	d.put(journey.Event{ID: "e_sent", SourceID: sent, Dir: contact.Outbound, Customer: "p_1", Attrs: map[string]string{"thread": c.signer.threadOf(sent), "to": "giulia@example.com"}})
	tests := []struct {
		name, from, inbox string
		header            []string
		quiet             bool
		who               int
	}{
		{"person", "g@x", "help@shop.example", nil, false, 1},
		{"auto reply", "g@x", "help@shop.example", []string{"Auto-Submitted: auto-replied"}, true, 1},
		{"newsletter", "g@x", "help@shop.example", []string{"List-Id: <n>"}, true, 1},
		{"list inbox", "g@x", "lists@shop.example", []string{"Precedence: list"}, false, 1},
		{"bounce of ours", "", "help@shop.example", []string{"References: <" + sent + ">"}, true, 0},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.got = nil
			header := append([]string{"From: g@example.com", "Message-ID: <q" + string(rune('a'+i)) + "@x>"}, tt.header...)
			_, err := c.receive(t.Context(), envelope{from: tt.from, inbox: c.inboxes[tt.inbox], at: time.Now()}, []byte(mailText("hi", header...)))
			require.NoError(t, err)
			require.Equal(t, tt.quiet, d.got[0].Quiet)
			require.Len(t, d.got[0].Event.Identities, tt.who)
			if tt.who == 0 {
				require.Equal(t, contact.CustomerID("p_1"), d.got[0].Event.Customer)
			}
		})
	}
}

func TestStrangerOnASignedThreadIsAHint(t *testing.T) {
	d := &desk{}
	c := testChannel(t, testConfig(), d)
	sent := c.signer.messageID(newThread())
	d.put(journey.Event{ID: "e_sent", SourceID: sent, Dir: contact.Outbound, Attrs: map[string]string{"thread": c.signer.threadOf(sent), "to": "giulia@example.com"}})
	_, err := c.receive(t.Context(), envelope{from: "g@work.example", inbox: c.cfg.Inboxes[0], at: time.Now()},
		[]byte(mailText("hi", "From: g@work.example", "Message-ID: <w@x>", "In-Reply-To: <"+sent+">")))
	require.NoError(t, err)
	ev := d.got[0].Event.Evidence
	require.Len(t, ev, 1)
	require.Equal(t, journey.FromSignedLink, ev[0].Source)
	require.Equal(t, "giulia@example.com", ev[0].B.Value)
}
