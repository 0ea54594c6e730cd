package sip

import (
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
	"filo/sip/transaction"
)

// onPassed answers what the dialog has no part in.
func (l *Leg) onPassed(e *dialog.Passed) {
	tx := e.Tx.(*transaction.Server)
	switch tx.Request().Method {
	case gosip.INFO:
		l.onInfo(tx)
	case gosip.OPTIONS:
		l.u.refuse(tx, statusOK, "", "Allow", allowedMethods, "Accept", "application/sdp", "Supported", supportedExt)
	default:
		l.u.refuse(tx, statusMethodNotAllowed, "", "Allow", allowedMethods)
	}
}

func (l *Leg) onInfo(tx *transaction.Server) {
	req := tx.Request()
	if len(req.Body()) == 0 {
		l.u.refuse(tx, statusOK, "")
		return
	}
	kind := mediaType(req)
	key, ok := infoDigit(kind, req.Body())
	if !ok {
		code := statusUnsupportedMedia
		if strings.HasPrefix(kind, "application/dtmf") {
			code = statusBadRequest
		}
		l.u.refuse(tx, code, "", "Accept", "application/dtmf-relay, application/dtmf")
		return
	}
	select {
	case l.keys() <- key:
	default: // nobody reads: the stack does not wait
	}
	l.u.refuse(tx, statusOK, "")
}

// infoDigit reads the key of a DTMF INFO: "Signal=5\r\nDuration=160" or "5".
func infoDigit(kind string, body []byte) (string, bool) {
	text := string(body)
	switch kind {
	case "application/dtmf-relay":
		found := false
		for line := range strings.Lines(text) {
			name, value, ok := strings.Cut(line, "=")
			if ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				text, found = value, true
				break
			}
		}
		if !found {
			return "", false
		}
	case "application/dtmf":
	default:
		return "", false
	}
	key := strings.ToUpper(strings.TrimSpace(text))
	switch key { // some send the event's number
	case "10":
		key = "*"
	case "11":
		key = "#"
	}
	if len(key) != 1 || !strings.Contains("0123456789*#ABCD", key) {
		return "", false
	}
	return key, true
}
