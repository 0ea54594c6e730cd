// A call of the film as GET /api/contacts/{id}/trace answers it.

const sdp = (cls, direction = 'sendrecv', profile = 'RTP/AVP', codecs = ['PCMA', 'PCMU', 'telephone-event']) => ({
  media: [{ kind: 'audio', port: 4000, profile, codecs, address: '', class: cls, direction }],
});

export function ladder(contact, start, { overwritten = false, long = 0, data = false } = {}) {
  const rows = [];
  const add = (ms, kind, leg, from, to, text, more = {}) => rows.push({ at: new Date(start + ms).toISOString(), ms, kind, leg, from, to, text, ...more });
  const message = (ms, leg, from, to, text, method, more = {}) =>
    add(ms, /^\d/.test(text) ? 'response' : 'request', leg, from, to, text, { method, cseq: 1, code: /^\d/.test(text) ? Number(text.slice(0, 3)) : undefined, ...more, ...(data ? { data: raw(text, method) } : {}) });
  if (!overwritten) {
    message(0, 0, 0, 1, 'INVITE', 'INVITE', { sdp: sdp('public') });
    message(2.4, 0, 1, 0, '100 Trying', 'INVITE');
    message(500.1, 0, 0, 1, 'INVITE', 'INVITE', { again: 1, of: 0, sdp: sdp('public') });
    message(512.9, 0, 1, 0, '200 OK', 'INVITE', { sdp: sdp('public') });
    message(540, 0, 0, 1, 'ACK', 'ACK');
    add(561, 'event', 0, 0, 0, 'media connected');
  }
  add(600, 'event', -1, 1, 1, 'menu skipped: abandoned-checkout');
  add(603, 'event', -1, 1, 1, 'queued: checkout');
  add(605, 'event', -1, 1, 1, 'offered: marta');
  message(607, 1, 1, 2, 'INVITE', 'INVITE', { sdp: sdp('private') });
  message(655, 1, 2, 1, '180 Ringing', 'INVITE');
  message(4100, 1, 2, 1, '486 Busy Here', 'INVITE');
  message(4101, 1, 1, 2, 'ACK', 'ACK');
  add(4102, 'event', -1, 1, 1, 'offer over');
  add(4104, 'event', -1, 1, 1, 'offered: paola');
  add(9230, 'event', -1, 1, 1, 'accepted: paola');
  add(9231, 'event', -1, 1, 1, 'talking: paola');
  add(9252, 'event', 2, 3, 3, 'first audio from');
  add(9253, 'event', 0, 0, 0, 'first audio to');
  message(61_002, 2, 3, 1, 'INFO', 'INFO', { cut: false });
  message(61_003.5, 2, 1, 3, '200 OK', 'INFO');
  add(70_000, 'event', -1, 1, 1, 'hold');
  for (let i = 0; i < long; i++) {
    message(71_000 + i * 1000, 0, 0, 1, 'INVITE', 'INVITE', { sdp: sdp('public', i % 2 ? 'sendrecv' : 'sendonly') });
    message(71_010 + i * 1000, 0, 1, 0, '200 OK', 'INVITE', { sdp: sdp('public', i % 2 ? 'sendrecv' : 'recvonly') });
  }
  return {
    id: contact, contact, start: rows[0].at, clear: false, overwritten,
    parties: [
      { role: 'caller', name: 'telco', user: '+39 347 ••• 4419', address: '203.0.113.9:5070', network: 'udp' },
      { role: 'filo' },
      { role: 'agent', name: 'marta', user: 'marta', address: '192.168.1.20:5066', network: 'tcp' },
      { role: 'browser', name: 'paola', user: 'paola', address: '198.51.100.4:51234', network: 'wss' },
    ],
    legs: [
      { call_id: '4f1b-xxx@telco.example', party: 0, overwritten, messages: 5 },
      { call_id: 'o2b7c9d0a1', party: 2, overwritten: false, messages: 4 },
      { call_id: 'b7h2k1m0', party: 3, overwritten: false, before: 6, messages: 2 },
    ],
    rows,
  };
}

function raw(text, method) {
  const start = /^\d/.test(text) ? `SIP/2.0 ${text}` : `${text} sip:061xxx5678@filo.example SIP/2.0`;
  return `${start}\r\nVia: SIP/2.0/UDP 203.0.113.9:5070;branch=z9hG4bK776asdhds\r\nFrom: "xxx" <sip:+39347xxx4419@telco.example>;tag=1928301774\r\nTo: <sip:061xxx5678@filo.example>\r\nCall-ID: 4f1b-xxx@telco.example\r\nCSeq: 1 ${method}\r\nUser-to-User: x-redacted\r\nContent-Length: 0\r\n\r\n`;
}
