package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"filo/journey"
)

// Bounds of what one request may hold, beside Segment's 32 KB and 500 KB.
const (
	maxEvent  = 32 << 10
	maxBatch  = 500 << 10
	maxEvents = 1000
	maxDepth  = 12
	maxID     = 200
	maxText   = 1000
)

// readBody returns the whole body of at most n bytes. text/plain is what a
// beacon sends, as no page needs to ask for leave to send it.
func readBody(w http.ResponseWriter, r *http.Request, n int64) ([]byte, error) {
	if text := r.Header.Get("Content-Type"); text != "" {
		kind, _, err := mime.ParseMediaType(text)
		if err != nil || (kind != "application/json" && kind != "text/plain" && kind != "text/json") {
			return nil, fmt.Errorf("%w: %q", ErrMediaType, text)
		}
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, fmt.Errorf("%w: Content-Encoding %q", ErrMediaType, enc)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, n))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooBig, n)
		}
		return nil, wrong("body", "cannot be read")
	}
	return body, nil
}

// object is one JSON object, with where it stands for messages.
type object struct {
	path   string
	fields map[string]any
}

// decodeObject reads exactly one JSON object.
func decodeObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return object{}, wrong("body", "is not UTF-8")
	}
	if err := checkDepth(body); err != nil {
		return object{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return object{}, wrong(place(body, err, dec.InputOffset()), "bad JSON: %s", reason(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return object{}, wrong(position(body, dec.InputOffset()), "something follows the JSON object")
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return object{}, wrong("body", "must be a JSON object")
	}
	return object{fields: fields}, nil
}

// checkDepth refuses deep nesting before it is decoded.
func checkDepth(body []byte) error {
	depth, inString, escaped := 0, false, false
	for i, b := range body {
		switch {
		case inString:
			switch {
			case escaped:
				escaped = false
			case b == '\\':
				escaped = true
			case b == '"':
				inString = false
			}
		case b == '"':
			inString = true
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return wrong(position(body, int64(i)), "nested deeper than %d", maxDepth)
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}

func place(body []byte, err error, fallback int64) string {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return position(body, s.Offset)
	}
	return position(body, fallback)
}

// reason is the parser's words without its package prefix.
func reason(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// position names a byte by line and column.
func position(body []byte, offset int64) string {
	before := body[:min(max(offset, 0), int64(len(body)))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}

func (o object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// text returns a string member, "" when it is missing or null.
func (o object) text(name string, limit int) (string, error) {
	switch v := o.fields[name].(type) {
	case nil:
		return "", nil
	case string:
		if len(v) > limit {
			return "", wrong(o.at(name), "is longer than %d bytes", limit)
		}
		return strings.TrimSpace(v), nil
	default:
		return "", wrong(o.at(name), "must be a string")
	}
}

// id returns a string member that may also be a number: some sites count
// their customers.
func (o object) id(name string) (string, error) {
	if n, ok := o.fields[name].(json.Number); ok && len(n) <= 20 {
		return n.String(), nil
	}
	return o.text(name, maxID)
}

// child returns an object member, empty when it is missing or null.
func (o object) child(name string) (object, error) {
	switch v := o.fields[name].(type) {
	case nil:
		return object{path: o.at(name)}, nil
	case map[string]any:
		return object{path: o.at(name), fields: v}, nil
	default:
		return object{}, wrong(o.at(name), "must be an object")
	}
}

// when returns a time member in RFC 3339, zero when it is missing.
func (o object) when(name string) (time.Time, error) {
	s, err := o.text(name, 64)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, wrong(o.at(name), "%q is not a time like 2006-01-02T15:04:05.000Z", journey.Cut(s, 40))
	}
	return t, nil
}

// scalar returns a member as text if it is a string, number or boolean.
func (o object) scalar(name string) string { return scalar(o.fields[name]) }

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return journey.Cut(strings.Join(strings.Fields(v), " "), maxText)
	case json.Number:
		return journey.Cut(v.String(), 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// list returns an array member.
func (o object) list(name string) ([]any, error) {
	switch v := o.fields[name].(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	default:
		return nil, wrong(o.at(name), "must be an array")
	}
}
