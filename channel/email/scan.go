package email

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/jhillyerd/enmime/v2/mediatype"
)

// Bounds of one mail (reliability page: MIME depth <= 20, parts <= 500,
// ratio <= 100:1).
const (
	maxDepth     = 20
	maxParts     = 500
	maxExpansion = 100
	maxHeader    = 256 << 10 // bytes of all header lines of one part
)

// scan walks the structure of a raw mail line by line, without decoding, and
// refuses what a parser that recurses would choke on. Its cost is linear.
func scan(raw []byte) error {
	s := scanner{in: bufio.NewReaderSize(bytes.NewReader(raw), 64<<10), inHeader: true, parts: 1}
	for {
		line, err := s.in.ReadSlice('\n')
		partial := err == bufio.ErrBufferFull //nolint:errorlint // ReadSlice returns it bare
		if len(line) > 0 && !s.middle {
			if err := s.line(line); err != nil {
				return err
			}
		}
		s.middle = partial
		if err != nil && !partial {
			if err == io.EOF { //nolint:errorlint // ReadSlice returns it bare
				return nil
			}
			return err //nolint:wrapcheck // cannot happen on memory
		}
	}
}

// scanner is a pushdown automaton over lines: the stack holds the boundaries
// of the multiparts that are open.
type scanner struct {
	in       *bufio.Reader
	middle   bool // of a line longer than the buffer
	inHeader bool
	size     int          // of this header
	ctype    bytes.Buffer // Content-Type field of this header, unfolded
	inCType  bool
	stack    []string
	parts    int
}

func (s *scanner) line(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	if bytes.HasPrefix(line, []byte("--")) && s.boundary(line[2:]) {
		if s.parts > maxParts {
			return fmt.Errorf("%w: more than %d", ErrTooMany, maxParts)
		}
		return nil
	}
	if !s.inHeader {
		return nil
	}
	if s.size += len(line); s.size > maxHeader {
		return fmt.Errorf("%w: header of more than %d bytes", ErrNotMail, maxHeader)
	}
	if len(line) == 0 {
		return s.endHeader()
	}
	s.field(line)
	return nil
}

// field collects the Content-Type field and its continuation lines.
func (s *scanner) field(line []byte) {
	if line[0] == ' ' || line[0] == '\t' {
		if s.inCType {
			s.ctype.Write(line)
		}
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	if s.inCType = bytes.EqualFold(bytes.TrimSpace(name), []byte("Content-Type")); s.inCType {
		s.ctype.Reset()
		s.ctype.Write(bytes.TrimSpace(value))
	}
}

// boundary handles a line that begins with two dashes; it reports whether the
// line ends a part. A boundary of an outer multipart ends the inner ones.
func (s *scanner) boundary(rest []byte) bool {
	for i := len(s.stack) - 1; i >= 0; i-- {
		after, ok := bytes.CutPrefix(rest, []byte(s.stack[i]))
		if !ok {
			continue
		}
		if bytes.HasPrefix(after, []byte("--")) {
			s.stack = s.stack[:i]
			s.inHeader = false
			return true
		}
		if len(bytes.TrimSpace(after)) > 0 {
			continue // a longer word that only begins like the boundary
		}
		s.stack = s.stack[:i+1]
		s.parts++
		s.inHeader, s.size, s.inCType = true, 0, false
		s.ctype.Reset()
		return true
	}
	return false
}

// endHeader opens the multipart that the header announced. The parser after us
// trusts a boundary whatever the type, so we do.
func (s *scanner) endHeader() error {
	s.inHeader, s.inCType = false, false
	text := s.ctype.String()
	s.ctype.Reset()
	if text == "" {
		return nil
	}
	_, params, _, err := mediatype.Parse(text)
	if err != nil || params["boundary"] == "" {
		return nil //nolint:nilerr // what is no multipart has no structure
	}
	if s.stack = append(s.stack, params["boundary"]); len(s.stack) > maxDepth {
		return fmt.Errorf("%w: more than %d", ErrTooDeep, maxDepth)
	}
	return nil
}
