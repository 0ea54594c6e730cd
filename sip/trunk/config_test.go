package trunk

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestValidateNamesEveryMistake(t *testing.T) {
	err := Validate([]Config{
		{Name: "a", Allow: []string{"10.0.0.0/8", "10/8"}, Headers: []string{"From"}, Region: "it"},
		{Name: "a"},
		{
			Name: "b", Server: "sip example", Servers: []string{"ok.example", "x:99999"}, Transport: "sctp", Advertise: "here", MediaAdvertise: "there",
			PasswordFile: "p", OptionsInterval: time.Millisecond, TLS: TLS{CertFile: "c", ServerName: "a:b"},
			Register: Register{Registrar: ":5060", Expires: time.Second, PasswordFile: "p", Domain: "a b"},
			Numbers:  Numbers{Format: "national", Prefix: "x", Called: "from"},
			CallerID: CallerID{Policy: "guess", Number: "06 1234", Numbers: []string{"+39", "nine"}, Header: "From", Name: "a\nb"},
			Dial:     Dial{Allow: []string{"39"}, Deny: []string{"dear"}, Weight: -1, Priority: -1},
			Limits:   Limits{Inbound: Limit{Calls: -1}, Outbound: Limit{CallsPerSecond: -1}},
		},
		{Name: "c", Allow: []string{"192.0.2.1"}, Servers: []string{"x"}, OptionsInterval: time.Minute, Dial: Dial{Allow: []string{"+39"}}, Register: Register{User: "x"}},
		{Name: "d", Server: "s", Dial: Dial{Allow: []string{"+39"}}},
	})
	for _, key := range []string{
		"[0].allow[1]: ", "[0].headers[0]: ", "[0].region: ", "[1].name: ", "[1].allow: ",
		"[2].server: ", "[2].servers[1]: ", "[2].transport: ", "[2].advertise: ", "[2].media_advertise: ", "[2].user: ",
		"[2].options_interval: ", "[2].tls: ", "[2].tls.cert_file: ", "[2].tls.server_name: ",
		"[2].register.registrar: ", "[2].register.expires: ", "[2].register.user: ", "[2].register.domain: ",
		"[2].numbers.format: ", "[2].numbers.prefix: ", "[2].numbers.called: ",
		"[2].caller_id.policy: ", "[2].caller_id.number: ", "[2].caller_id.numbers[1]: ", "[2].caller_id.header: ", "[2].caller_id.name: ",
		"[2].dial.allow[0]: ", "[2].dial.deny[0]: ", "[2].dial.weight: ", "[2].dial.priority: ",
		"[2].limits.inbound.calls: ", "[2].limits.outbound.calls_per_second: ",
		"[3].servers: ", "[3].options_interval: ", "[3].dial.allow: ", "[4].caller_id.number: ", "[3].register.registrar: ",
	} {
		require.True(t, strings.HasPrefix(err.Error(), key) || strings.Contains(err.Error(), "\n"+key), "%s in\n%v", key, err)
	}
}

func TestSplitServer(t *testing.T) {
	for _, c := range []struct {
		text, host string
		port       uint16
		bad        bool
	}{
		{text: "sip.example", host: "sip.example"},
		{text: "sip.example:5070", host: "sip.example", port: 5070},
		{text: "192.0.2.1", host: "192.0.2.1"},
		{text: "192.0.2.1:5060", host: "192.0.2.1", port: 5060},
		{text: "2001:db8::1", host: "2001:db8::1"},
		{text: "[2001:db8::1]", host: "2001:db8::1"},
		{text: "[2001:db8::1]:5061", host: "2001:db8::1", port: 5061},
		{text: "", bad: true},
		{text: "a b", bad: true},
		{text: "a:0", bad: true},
		{text: "a:", bad: true},
		{text: "sip:a.example", bad: true},
		{text: "a.example;transport=tcp", bad: true},
	} {
		host, port, err := splitServer(c.text)
		require.Equal(t, c.bad, err != nil, "%q: %v", c.text, err)
		if !c.bad {
			require.Equal(t, c.host, host)
			require.Equal(t, c.port, port)
		}
	}
}
