package trace

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// canaries are what must not survive, in every writing.
var canaries = []string{
	"+393475554419", "393475554419", "00393475554419", "3475554419", "%2B393475554419", "+39-347-555-4419", "347.555.4419",
	"Giulia Bianchi", "giulia.bianchi", "GIULIA", secretKey,
}

// survivors returns the canaries that can still be read in data.
func survivors(data string) (found []string) {
	plain := strings.ToLower(data)
	for _, c := range []string{"475554", "5554419", "giulia", "bianchi", strings.ToLower(secretKey), "347-555", "555-4419", "347.555"} {
		if strings.Contains(plain, c) {
			found = append(found, c)
		}
	}
	return found
}

// places are lines of headers with a % where a canary stands. Every header that
// has a grammar of its own is here in all of its parts, and some have none.
var places = []string{
	"From: \"%\" <sip:%@h.example>;tag=t1", "From: % <sip:a@h.example;%=1>;tag=%", "f: sip:%@h.example;tag=1;x=%", "From : <sip:%:%@h.example?%=%>",
	"To: <tel:%;phone-context=%>", "To: \"a\\\"%\" <sips:a@h.example;maddr=%;transport=%>;%", "t: <sip:%>",
	"Contact: *, <sip:%@h;ob;gr=%>;+sip.instance=\"<urn:uuid:%>\";reg-id=1;q=0.5;expires=60", "m: \"%\"<sip:a@1.2.3.4:5060;%>;audio;methods=\"%\"",
	"P-Asserted-Identity: \"%\" <sip:%@h>, <tel:%>", "P-Preferred-Identity: <sip:%@h;user=phone;verstat=%>", "Remote-Party-ID: % <sip:%@h>;party=%;privacy=%;id-type=%",
	"Diversion: <sip:%@h>;reason=%;counter=%;limit=1", "History-Info: <sip:%@h?Reason=%>;index=%", "Referred-By: <sip:%@h>;cid=\"%\"",
	"Refer-To: <sip:%@h?Replaces=%%3Bto-tag%3D%&%=%>", "Refer-To: %", "r: <sip:a@h;method=%>", "Reply-To: %", "P-Called-Party-ID: <sip:%@h>",
	"Route: <sip:%@h;lr;%=%>", "Record-Route: <sip:h;lr;ftag=%>, <sip:%;lr>", "Path: <sip:%@h;lr>", "Service-Route: <sip:%>",
	"Via: SIP/2.0/UDP h.example:5060;branch=%;received=%;rport=%;x=%", "v: SIP/2.0/% h;branch=z9hG4bK1", "Via: SIP/2.0/TCP %;branch=z", "Via: %",
	"Call-ID: a-%@h", "i: %", "In-Reply-To: %", "Session-ID: %;remote=%", "CSeq: % INVITE", "CSeq: 1 %", "RAck: 1 % INVITE", "RSeq: %", "Max-Forwards: %",
	"Replaces: %;to-tag=%;from-tag=%;%", "Join: a;%=1", "Target-Dialog: %;local-tag=%", "Allow: INVITE, %", "Supported: 100rel, %", "k: %",
	"Require: %", "Proxy-Require: %", "Unsupported: %", "Allow-Events: %", "Event: %;id=%", "o: refer;%=%", "Subscription-State: active;reason=%;expires=%;%",
	"Accept: application/sdp;%=%, %", "Accept-Encoding: %", "Accept-Language: %;q=%, en-%", "Content-Language: %", "Content-Disposition: %;handling=%",
	"Expires: %", "Min-SE: %;%", "Session-Expires: 90;refresher=%", "x: %", "Retry-After: 5 (%);duration=%;%", "Timestamp: %.%", "Date: %",
	"Privacy: id;%", "Priority: %", "P-Early-Media: %", "Reason: SIP;cause=%;text=\"%\"", "Reason: %;cause=200", "Warning: 399 % \"%\"", "Warning: %",
	"User-Agent: Phone/1.0 (%)", "User-Agent: sip-%", "Server: %", "User-Agent: Yealink SIP-T46S 66.84.0.15 %",
	"Authorization: Digest username=\"%\", realm=\"%\", nonce=\"%\", uri=\"sip:%@h\", response=\"%\", cnonce=\"%\", opaque=\"%\", qop=%, nc=%, %=\"%\"",
	"Proxy-Authorization: Basic %", "Authorization: Bearer %", "WWW-Authenticate: Digest realm=\"%\", nonce=\"%\", domain=\"%\", algorithm=%",
	"Authentication-Info: nextnonce=\"%\", rspauth=\"%\"", "Identity: %;info=<https://h/%>;alg=%", "y: %", "n: %",
	"User-to-User: %;encoding=hex", "Call-Info: <http://h/%>;purpose=%", "Subject: %", "s: %", "Alert-Info: <%>", "Geolocation: <cid:%>", "P-Access-Network-Info: 3GPP;cell=%",
	"P-Charging-Vector: icid-value=%", "X-Account: %", "X-%: 1", "%: %", "%", "X-Filo-Token: %", "X-Filo-Contact: %", "Cookie: %", "P-Associated-URI: <sip:%@h>",
	"Security-Client: %", "Organization: %", "Error-Info: <sip:%@h>", "Sip-ETag: %", "Content-Encoding: %", "MIME-Version: %", "Refer-Sub: %",
	"Subject: one\r\n two %\r\n\tthree %", "To: \"unbalanced % <sip:%@h>", "From: <sip:%@h", "Contact: <sip:a@h>;q=\"%", "\"%\": x", "To %",
}

// bodies are the same, by content type.
var bodies = []struct{ kind, text string }{
	{"application/sdp", "v=0\r\no=% % 1 IN IP4 %\r\ns=%\r\ni=%\r\nu=http://h/%\r\ne=%\r\np=%\r\nc=IN IP4 %\r\nb=AS:%\r\nb=%:1\r\nt=% 0\r\nr=%\r\nz=%\r\nk=clear:%\r\n%\r\nx=%\r\n" +
		"m=audio % RTP/AVP 0 %\r\nm=% 1 % 0\r\na=%\r\na=%:%\r\na=rtpmap:96 %/8000\r\na=rtpmap:% a/8000\r\na=fmtp:96 %=1;minptime=%;%\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%|2^20\r\n" +
		"a=ice-ufrag:%\r\na=ice-pwd:%\r\na=fingerprint:sha-256 %\r\na=ssrc:1 cname:%\r\na=msid:% %\r\na=mid:%\r\na=group:BUNDLE % 0\r\na=candidate:% 1 udp 1 % 9 typ host raddr % ufrag %\r\n" +
		"a=setup:%\r\na=ptime:%\r\na=rtcp:% IN IP4 %\r\na=extmap:1 urn:%\r\na=identity:%\r\na=rtcp-fb:* %\r\na=ice-options:%\r\na=sendrecv:%\r\n"},
	{"application/sdp", "%"},
	{"application/dtmf-relay", "Signal=%\r\nDuration=100"},
	{"application/dtmf", "%"},
	{"message/sipfrag;version=2.0", "SIP/2.0 200 %\r\nTo: <sip:%@h>\r\n\r\n%"},
	{"message/sipfrag", "%"},
	{"text/plain;%=%", "%"},
	{"%", "%"},
	{"application/pidf+xml", "<presence entity=\"%\"/>"},
	{"multipart/mixed;boundary=\"%\"", "--%\r\nContent-Type: application/sdp\r\nX: %\r\n\r\nv=0\r\ns=%\r\n\r\n--%\r\nContent-Type: application/isup\r\n\r\n%\r\n--%--\r\n%"},
	{"multipart/mixed;boundary=b", "%\r\n--b\r\nContent-Type: multipart/mixed;boundary=%\r\n\r\n--%\r\n\r\n%\r\n--b\r\n\r\n%\r\n--b--"},
	{"multipart/mixed;%=b", "--b\r\n\r\n%"},
}

// fill puts canaries into the places of a line.
func fill(t *rapid.T, line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '%' && !strings.HasPrefix(line[i:], "%3") {
			b.WriteString(rapid.SampledFrom(canaries).Draw(t, "canary"))
			continue
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// randomMessage has canaries in some places. Its From names them too, for an
// identifier is kept but for what is known from elsewhere.
func randomMessage(t *rapid.T) []byte {
	var b strings.Builder
	b.WriteString(fill(t, rapid.SampledFrom([]string{
		"INVITE sip:%@h.example SIP/2.0", "INVITE tel:% SIP/2.0", "SIP/2.0 404 No such number %", "SIP/2.0 200 OK", "% sip:a@h SIP/2.0",
		"REFER sip:a:%@h;%=%?%=% SIP/2.0", "BYE http://h/% SIP/2.0", "INVITE % SIP/2.0", "INVITE urn:service:% SIP/2.0",
	}).Draw(t, "start")) + "\r\n")
	b.WriteString("From: \"Giulia Bianchi\" <sip:+393475554419:" + secretKey + "@h.example>;tag=1\r\n")
	for range rapid.IntRange(0, 12).Draw(t, "headers") {
		b.WriteString(fill(t, rapid.SampledFrom(places).Draw(t, "header")) + "\r\n")
	}
	body := rapid.SampledFrom(bodies).Draw(t, "body")
	text := fill(t, body.text)
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", fill(t, body.kind), len(text), text)
	return []byte(b.String())
}

// TestNoCanarySurvives: whatever stands wherever, nothing of it can be read in
// a ladder, its text, its capture or what a collector gets.
func TestNoCanarySurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := randomMessage(t)
		out := string(redactOne(data, false))
		require.Empty(t, survivors(out), "in:\n%s\n\nout:\n%s", data, out)
		_, ok := parse([]byte(out))
		require.True(t, ok, "what is redacted is still SIP: %s", out)
		again := string(redactOne([]byte(out), false))
		require.Equal(t, len(strings.Split(out, "\r\n")), len(strings.Split(again, "\r\n")))
	})
}

// TestEveryPlaceAlone finds what the lottery may miss: each place with each canary.
func TestEveryPlaceAlone(t *testing.T) {
	for _, c := range canaries {
		put := func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "%3", "\x00"), "%", c), "\x00", "%3")
		}
		for _, line := range places {
			data := "INVITE sip:b@h SIP/2.0\r\nFrom: \"Giulia Bianchi\" <sip:+393475554419:" + secretKey + "@h>;tag=1\r\n" + put(line) + "\r\n\r\n"
			out := string(redactOne([]byte(data), false))
			require.Empty(t, survivors(out), "%s\n%s", put(line), out)
			clear := string(redactOne([]byte(data), true))
			if h, _ := parse([]byte(data)); c == secretKey && len(h.headers) > 1 && credentials[h.headers[1].name] {
				require.NotContains(t, clear, "response=\""+c)
				require.NotContains(t, clear, "nonce=\""+c)
			}
		}
		for _, body := range bodies {
			data := "INVITE sip:b@h SIP/2.0\r\nFrom: \"Giulia Bianchi\" <sip:+393475554419:" + secretKey + "@h>;tag=1\r\nContent-Type: " + put(body.kind) + "\r\n\r\n" + put(body.text)
			out := string(redactOne([]byte(data), false))
			require.Empty(t, survivors(out), "%s\n%s", put(body.text), out)
		}
	}
}

// TestClearKeepsNoKey: an operator who sees numbers sees no key.
func TestClearKeepsNoKey(t *testing.T) {
	data := "REGISTER sip:h SIP/2.0\r\nFrom: \"Giulia Bianchi\" <sip:+393475554419:PW1@h>;tag=1\r\nX-Account: 4711\r\nX-Filo-Token: TOKEN1\r\nIdentity: IDENT1\r\n" +
		"Authorization: Digest username=\"giulia\", realm=\"h\", nonce=\"N1\", response=\"R1\", opaque=\"O1\", cnonce=\"C1\"\r\nProxy-Authorization: Basic B1\r\nContent-Type: application/sdp\r\n\r\n" +
		"v=0\r\no=giulia 1 1 IN IP4 1.2.3.4\r\nm=audio 1 RTP/SAVP 0\r\nk=clear:K1\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:CR1\r\na=ice-pwd:IP1\r\na=fingerprint:sha-256 FP1\r\na=x-else:kept\r\n"
	out := string(redactOne([]byte(data), true))
	for _, want := range []string{"Giulia Bianchi", "+393475554419@h", "X-Account: 4711", `username="giulia"`, "AES_CM_128_HMAC_SHA1_80", "x-else:kept"} {
		require.Contains(t, out, want)
	}
	for _, key := range []string{"PW1", "TOKEN1", "IDENT1", "N1", "R1", "O1", "C1", "B1", "K1", "CR1", "IP1", "FP1"} {
		require.NotContains(t, strings.NewReplacer("SHA1", "", "AES_CM_128", "").Replace(out), key)
	}
}

// TestRedactKeepsWhatHelps: what a fault is argued by is still there.
func TestRedactKeepsWhatHelps(t *testing.T) {
	in, err := os.ReadFile("testdata/invite.txt")
	require.NoError(t, err)
	want, err := os.ReadFile("testdata/invite.redacted.txt")
	require.NoError(t, err)
	got := redactOne(bytes.ReplaceAll(in, []byte("\n"), []byte("\r\n")), false)
	require.Equal(t, string(want), strings.ReplaceAll(string(got), "\r\n", "\n"))
}

func TestMaskUser(t *testing.T) {
	for user, want := range map[string][2]string{
		"+393475554419":          {"+39347xxx4419", "+39 347 ••• 4419"},
		"%2B393475554419":        {"+39347xxx4419", "+39 347 ••• 4419"},
		"+39-347-555-4419":       {"+39347xxx4419", "+39 347 ••• 4419"},
		"+15035550199;npdi":      {"+1503xxx0199", "+1 503 ••• 0199"},
		"3475554419":             {"347xxx4419", "347 ••• 4419"},
		"0612345":                {"xxx45", "••• 45"},
		"+35312":                 {"+xxx", "+ •••"},
		"112":                    {"112", "112"},
		"4419":                   {"xxx19", "••• 19"},
		"giulia.bianchi":         {"gxxx", "g •••"},
		"anonymous":              {"anonymous", "anonymous"},
		"line":                   {"line", "line"},
		"":                       {"", ""},
		"%F0%9F":                 {"xxx", "•••"},
		"393475554419;a=b:other": {"393xxx4419", "393 ••• 4419"},
	} {
		got := maskUser(user)
		require.Equal(t, want[0], got, user)
		require.Equal(t, want[1], showMask(got), user)
	}
}

func FuzzRedact(f *testing.F) {
	for _, line := range places {
		f.Add([]byte("INVITE sip:%@h SIP/2.0\r\n" + line + "\r\n\r\n"))
	}
	for _, b := range bodies {
		f.Add([]byte("SIP/2.0 200 OK\r\nContent-Type: " + b.kind + "\r\n\r\n" + b.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Every secret of the structure is also put in by the fuzzer's bytes: what
		// stands for a user in From must not be readable anywhere.
		whole := append([]byte("INVITE sip:a@h SIP/2.0\r\nFrom: \"Giulia Bianchi\" <sip:+393475554419@h>;tag=1\r\n"), bytes.ReplaceAll(data, []byte("%"), []byte("+393475554419"))...)
		out := redactOne(whole, false)
		for _, c := range []string{"5554419", "+39347555"} {
			require.NotContains(t, string(out), c)
		}
		_, _ = parse(data)
		_ = callIDOf(data)
		_ = isBackground(data)
		_ = summarise(data)
		_ = redactOne(data, true)
	})
}
