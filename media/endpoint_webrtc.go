package media

import (
	"context"
	"net/netip"
)

type webEngine struct{ addr netip.AddrPort }

func newWebEngine(*Engine) (*webEngine, error) { return &webEngine{}, nil }
func (w *webEngine) close() error              { return nil }
func (en *Engine) answerWebRTC(context.Context, []byte, *sessionDesc, int, Options) (Endpoint, []byte, error) {
	return nil, nil, ErrNotAcceptable
}
func (en *Engine) offerWebRTC(context.Context, Options) (Endpoint, []byte, error) {
	return nil, nil, ErrNotAcceptable
}
