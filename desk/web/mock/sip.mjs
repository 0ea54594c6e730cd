// As much SIP over WebSocket as JsSIP needs to register and hold one dialog. The media is
// answered by whoever sets `answer`: in tests another page of the same browser.

const crlf = '\r\n';

export class SipFront {
  /** @type {((offer: string, request: object) => Promise<string|null>) | null} */
  answer = null;
  dialogs = new Map(); // Call-ID -> dialog
  invites = []; // requests seen
  registered = new Set(); // sockets

  /** @param {import('ws').WebSocket} ws */
  serve(ws) {
    ws.on('message', (data) => void this.#receive(ws, String(data)));
    ws.on('close', () => {
      this.registered.delete(ws);
      for (const [id, d] of this.dialogs) if (d.ws === ws) this.dialogs.delete(id);
    });
  }

  async #receive(ws, text) {
    const m = parse(text);
    if (!m || !m.method) return;
    if (m.method === 'REGISTER') {
      if (m.headers.get('contact')?.includes('expires=0')) this.registered.delete(ws);
      else this.registered.add(ws);
      return reply(ws, m, 200, 'OK', { Contact: `${m.headers.get('contact')};expires=300` });
    }
    if (m.method === 'INVITE') return this.#invite(ws, m);
    if (m.method === 'ACK') return;
    if (m.method === 'BYE' || m.method === 'CANCEL') this.dialogs.delete(m.headers.get('call-id'));
    reply(ws, m, 200, 'OK');
  }

  async #invite(ws, m) {
    this.invites.push(m);
    reply(ws, m, 100, 'Trying');
    const sdp = this.answer ? await this.answer(m.body, m) : null;
    if (!sdp) return reply(ws, m, 480, 'Temporarily Unavailable');
    const tag = Math.random().toString(36).slice(2);
    reply(ws, m, 180, 'Ringing', {}, '', tag);
    reply(ws, m, 200, 'OK', { Contact: '<sip:line@mock.invalid;transport=ws>', 'Content-Type': 'application/sdp' }, sdp, tag);
    this.dialogs.set(m.headers.get('call-id'), { ws, m, tag });
  }

  /** bye ends every dialog from the server's side. */
  bye(reason = '') {
    for (const [id, d] of this.dialogs) {
      const contact = /<([^>]+)>/.exec(d.m.headers.get('contact'))?.[1];
      d.ws.send(
        [
          `BYE ${contact} SIP/2.0`,
          `Via: SIP/2.0/WS mock.invalid;branch=z9hG4bK${Math.random().toString(36).slice(2)}`,
          'Max-Forwards: 70',
          `From: ${d.m.headers.get('to')};tag=${d.tag}`,
          `To: ${d.m.headers.get('from')}`,
          `Call-ID: ${id}`,
          'CSeq: 1 BYE',
          ...(reason ? [`Reason: SIP;text="${reason}"`] : []),
          'Content-Length: 0',
          '',
          '',
        ].join(crlf),
      );
      this.dialogs.delete(id);
    }
  }
}

function parse(text) {
  const [head, body = ''] = [text.slice(0, text.indexOf(crlf + crlf)), text.slice(text.indexOf(crlf + crlf) + 4)];
  const [first, ...lines] = head.split(crlf);
  if (!first) return null;
  const headers = new Map();
  const vias = [];
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (name === 'via') vias.push(value);
    if (!headers.has(name)) headers.set(name, value);
  }
  const method = first.startsWith('SIP/2.0') ? '' : first.split(' ')[0];
  return { method, uri: first.split(' ')[1], headers, vias, body };
}

function reply(ws, m, code, reason, more = {}, body = '', tag = 'mock') {
  const to = m.headers.get('to');
  ws.send(
    [
      `SIP/2.0 ${code} ${reason}`,
      ...m.vias.map((v) => `Via: ${v}`),
      `From: ${m.headers.get('from')}`,
      `To: ${to}${code === 100 || to.includes(';tag=') ? '' : `;tag=${tag}`}`,
      `Call-ID: ${m.headers.get('call-id')}`,
      `CSeq: ${m.headers.get('cseq')}`,
      ...Object.entries(more).map(([k, v]) => `${k}: ${v}`),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join(crlf),
  );
}
