package transaction

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	gosip "github.com/emiago/sipgo/sip"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// marshal writes m into a pooled buffer and hands its bytes to use, which must
// not keep them.
func marshal(m gosip.Message, use func(data []byte) error) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	writeMessage(b, m)
	return use(b.Bytes())
}

// writeMessage writes m with a true Content-Length.
func writeMessage(b *bytes.Buffer, m gosip.Message) {
	var headers []gosip.Header
	switch m := m.(type) {
	case *gosip.Request:
		b.WriteString(string(m.Method))
		b.WriteByte(' ')
		m.Recipient.StringWrite(b)
		b.WriteString(" SIP/2.0\r\n")
		headers = m.Headers()
	case *gosip.Response:
		b.WriteString("SIP/2.0 ")
		writeInt(b, m.StatusCode)
		b.WriteByte(' ')
		b.WriteString(m.Reason)
		b.WriteString("\r\n")
		headers = m.Headers()
	}
	for _, h := range headers {
		writeHeader(b, h)
	}
	b.WriteString("Content-Length: ")
	writeInt(b, len(m.Body()))
	b.WriteString("\r\n\r\n")
	b.Write(m.Body())
}

func writeHeader(b *bytes.Buffer, h gosip.Header) {
	switch h := h.(type) {
	case *gosip.ContentLengthHeader:
		return
	case *gosip.ViaHeader: // sipgo's own writing of it makes a string first
		writeVia(b, h)
	default:
		h.StringWrite(b)
	}
	b.WriteString("\r\n")
}

func writeVia(b *bytes.Buffer, h *gosip.ViaHeader) {
	for _, s := range [...]string{"Via: ", h.ProtocolName, "/", h.ProtocolVersion, "/", h.Transport, " "} {
		b.WriteString(s)
	}
	if strings.Contains(h.Host, ":") && !strings.HasPrefix(h.Host, "[") { // IPv6
		b.WriteByte('[')
		b.WriteString(h.Host)
		b.WriteByte(']')
	} else {
		b.WriteString(h.Host)
	}
	if h.Port > 0 {
		b.WriteByte(':')
		writeInt(b, h.Port)
	}
	if len(h.Params) > 0 {
		b.WriteByte(';')
		h.Params.ToStringWrite(';', b)
	}
}

func writeInt(b *bytes.Buffer, n int) { b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(n), 10)) }

// bytesOf is m as bytes of its own.
func bytesOf(m gosip.Message) []byte {
	var out []byte
	_ = marshal(m, func(data []byte) error {
		out = append([]byte(nil), data...)
		return nil
	})
	return out
}

// NewResponse builds a response to req (RFC 3261 section 8.2.6); tag goes into
// To when req has none there. Headers of req are shared, not copied: neither
// message may change them.
func NewResponse(req *gosip.Request, code int, reason, tag string) *gosip.Response {
	res := gosip.NewResponse(code, reason)
	for _, h := range req.Headers() {
		switch h := h.(type) {
		case *gosip.ViaHeader, *gosip.FromHeader, *gosip.CallIDHeader, *gosip.CSeqHeader:
			res.AppendHeader(h)
		case *gosip.ToHeader:
			res.AppendHeader(tagged(h, code, tag))
		case *gosip.RecordRouteHeader: // section 12.1.1
			if code > 100 && code < 300 && req.Method != gosip.REGISTER {
				res.AppendHeader(h)
			}
		default:
			if code == 100 && h.Name() == "Timestamp" { // section 8.2.6.1
				res.AppendHeader(h)
			}
		}
	}
	return res
}

// tagged is to with our tag; a 100 needs none.
func tagged(to *gosip.ToHeader, code int, tag string) *gosip.ToHeader {
	if tag == "" || code == 100 || to.Params.Has("tag") {
		return to
	}
	params := make(gosip.HeaderParams, len(to.Params), len(to.Params)+1)
	copy(params, to.Params)
	params.Add("tag", tag)
	return &gosip.ToHeader{DisplayName: to.DisplayName, Address: to.Address, Params: params}
}

// NewCancel builds the CANCEL of an INVITE that was sent (RFC 3261 section
// 9.1): same target, same top Via, same Route as the INVITE had, whatever a
// Record-Route in a provisional response said.
func NewCancel(invite *gosip.Request) *gosip.Request {
	return hopByHop(gosip.CANCEL, invite, invite.To())
}

// newACK builds the ACK of a final response other than 2xx (RFC 3261 section
// 17.1.1.3).
func newACK(invite *gosip.Request, res *gosip.Response) *gosip.Request {
	return hopByHop(gosip.ACK, invite, res.To())
}

func hopByHop(method gosip.RequestMethod, invite *gosip.Request, to *gosip.ToHeader) *gosip.Request {
	req := gosip.NewRequest(method, invite.Recipient)
	if via := invite.Via(); via != nil {
		req.AppendHeader(via)
	}
	for _, h := range invite.Headers() {
		if r, ok := h.(*gosip.RouteHeader); ok {
			req.AppendHeader(r)
		}
	}
	maxForwards := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	if from := invite.From(); from != nil {
		req.AppendHeader(from)
	}
	if to != nil {
		req.AppendHeader(to)
	}
	if id := invite.CallID(); id != nil {
		req.AppendHeader(id)
	}
	if cseq := invite.CSeq(); cseq != nil {
		req.AppendHeader(&gosip.CSeqHeader{SeqNo: cseq.SeqNo, MethodName: method})
	}
	return req
}
