// The server of desk/API.md with the fixtures of film A, for development and for the browser
// tests. It keeps no promises beyond what the pages need.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import * as fx from './fixtures.mjs';
import { SipFront } from './sip.mjs';
import { ladder } from './trace.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const csp =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; script-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const users = {
  paola: { user: 'paola', name: 'Paola Ferri', role: 'agent', lang: 'en' },
  elena: { user: 'elena', name: 'Elena Sartori', role: 'supervisor', lang: 'en' },
};

const calls = new Set(['call', 'recording', 'paused', 'ringing', 'talking', 'held', 'conference', 'whispered', 'barged']); // three minutes old

const tracker = `(function(d,w){var key,q=[];var anon=(/(?:^|; )filo_anon=(\\w+)/.exec(d.cookie)||[])[1]||'mock'+Math.random().toString(36).slice(2);d.cookie='filo_anon='+anon+';path=/';
function send(m){m.anonymousId=anon;q.push(m);if(key)flush()}function flush(){if(!q.length)return;fetch('/v1/batch',{method:'POST',keepalive:true,body:JSON.stringify({writeKey:key,batch:q.splice(0)})})}
w.filo={anonymousId:anon,load:function(k){key=k;flush()},page:function(p){send({type:'page',properties:p})},track:function(e,p){send({type:'track',event:e,properties:p})},identify:function(u,t){send({type:'identify',userId:u,traits:t})},flush:flush}})(document,window)`;

export async function startMock(options = {}) {
  const mock = new Mock(options);
  await mock.listen(options.port ?? 0);
  return mock;
}

class Mock {
  sip = new SipFront();
  requests = []; // {method, path, body}
  tracked = []; // tracker events
  failNext = new Map(); // path -> status, or [status, code]
  trace = {}; // how the ladder of a call is; null: there is none
  sockets = new Set();
  seq = 0;
  held = [];

  monitor = null; // what elena follows
  directory = structuredClone(fx.directory);

  /** ring: after how many ms the consulted answers by itself; 0: when answer() is called. */
  constructor({ scene = 'empty', lang = 'en', line = true, demo = false, ring = 0 } = {}) {
    this.options = { lang, line, demo, ring };
    this.setScene(scene);
  }

  now = () => this.base + (Date.now() - this.started);

  async listen(port) {
    this.http = createServer((q, s) => void this.#serve(q, s).catch((e) => s.writeHead(500).end(String(e))));
    const events = new WebSocketServer({ noServer: true });
    const sip = new WebSocketServer({ noServer: true, handleProtocols: () => 'sip' });
    this.http.on('upgrade', (q, socket, head) => {
      const path = new URL(q.url, 'http://x').pathname;
      if (path === '/sip') sip.handleUpgrade(q, socket, head, (ws) => this.sip.serve(ws));
      else if (path === '/api/events') events.handleUpgrade(q, socket, head, (ws) => this.#events(ws));
      else socket.destroy();
    });
    await new Promise((ok) => this.http.listen(port, '127.0.0.1', ok));
    this.url = `http://localhost:${this.http.address().port}/`;
  }

  close() {
    for (const ws of this.sockets) ws.terminate();
    this.http.closeAllConnections();
    return new Promise((ok) => this.http.close(ok));
  }

  // ---------- scenes ----------

  setScene(scene) {
    this.started = Date.now();
    // Each scene has its own moment of the film.
    this.base = fx.base + ({ possible: 38_000, wrapup: 425_000 }[scene] ?? (calls.has(scene) ? 192_000 : 0));
    const now = this.base;
    const open = [fx.mailContact(), fx.smsContact()];
    const onCall = (more) => ({ agent: fx.agentState(now, 'busy', 192_000), contacts: [fx.callContact(now - 192_000, { call: fx.call(more) }), ...open], offers: [], queues: fx.myQueues(0) });
    const scenes = {
      empty: () => ({ agent: { ...fx.agentState(now, 'ready', 252_000), capacity: { voice: [0, 1], email: [0, 2], sms: [0, 2] } }, contacts: [], offers: [], queues: fx.myQueues(0) }),
      offer: () => ({ agent: fx.agentState(now, 'reserved', 6_000), contacts: open, offers: [fx.offer(now)], queues: fx.myQueues(1) }),
      call: () => onCall({}),
      possible: () => ({ agent: fx.agentState(now, 'busy', 38_000), contacts: [fx.callContact(now - 38_000, { view: fx.possible() }), ...open], offers: [], queues: fx.myQueues(0) }),
      recording: () => onCall({ recording: 'on' }),
      paused: () => onCall({ recording: 'paused' }),
      ringing: () => onCall({ recording: 'on', consult: fx.consultWith('ringing') }),
      talking: () => onCall({ recording: 'on', consult: fx.consultWith('talking') }),
      held: () => onCall({ recording: 'on', consult: fx.consultWith('held') }),
      conference: () => onCall({ recording: 'on', consult: fx.consultWith('conference') }),
      whispered: () => onCall({ recording: 'on', monitor: { mode: 'whisper', name: 'Elena Sartori' } }),
      barged: () => onCall({ recording: 'on', monitor: { mode: 'barge', name: 'Elena Sartori' } }),
      asked: () => ({ agent: fx.agentState(now, 'reserved', 6_000), contacts: open, offers: [fx.consultOffer(now)], queues: fx.myQueues(1) }),
      helping: () => ({ agent: fx.agentState(now, 'busy', 34_000), contacts: [fx.consulted(now - 34_000), ...open], offers: [], queues: fx.myQueues(0) }),
      wrapup: () => ({ agent: fx.agentState(now, 'wrap_up', 23_000), contacts: [this.#wrapped(now), ...open], offers: [], queues: fx.myQueues(0) }),
      mail: () => ({ agent: fx.agentState(now, 'busy', 160_000), contacts: open, offers: [], queues: fx.myQueues(0) }),
      sms: () => ({ agent: fx.agentState(now, 'busy', 160_000), contacts: [fx.smsContact()], offers: [], queues: fx.myQueues(0) }),
      notready: () => ({ agent: fx.agentState(now, 'not_ready', 65_000, 'rona'), contacts: [], offers: [], queues: fx.myQueues(2) }),
    };
    this.state = (scenes[scene] ?? scenes.empty)();
    this.scene = scene;
    this.push('snapshot', this.#snapshot());
  }

  #wrapped(now) {
    const contact = fx.callContact(fx.base, { state: 'wrap_up', wrap_up_ends: new Date(now + 37_000).toISOString() });
    const call = { id: 'e_029', at: new Date(fx.base).toISOString(), channel: 'voice', dir: 'in', kind: 'call', contact: 'c_giulia', answered: false, attrs: { agent: 'Paola Ferri', talk: '402', skipped: 'true', rule: 'abandoned-checkout' } };
    contact.view.events.push(call, fx.orderEvent(fx.base + 300_000));
    contact.view.goal.reached = new Date(fx.base + 300_000).toISOString();
    return contact;
  }

  #snapshot() {
    const { agent, contacts, offers, queues } = this.state;
    return { agent, contacts, offers, queues, monitor: this.monitor, now: new Date(this.now()).toISOString() };
  }

  push(type, data) {
    const frame = JSON.stringify({ seq: ++this.seq, type, data });
    this.held.push({ seq: this.seq, frame });
    if (this.held.length > 512) this.held.shift();
    for (const ws of this.sockets) if (ws.greeted) ws.send(frame);
  }

  // ---------- HTTP ----------

  async #serve(q, s) {
    const url = new URL(q.url, 'http://x');
    const path = url.pathname;
    const text = await new Promise((ok) => {
      let all = '';
      q.on('data', (c) => (all += c)).on('end', () => ok(all));
    });
    let body;
    try {
      body = text ? JSON.parse(text) : undefined;
    } catch {
      body = undefined;
    }
    if (q.method !== 'GET') this.requests.push({ method: q.method, path, body });
    const json = (status, data) => s.writeHead(status, { 'Content-Type': 'application/json' }).end(data === undefined ? '' : JSON.stringify(data));
    const fail = this.failNext.get(path);
    if (fail) {
      this.failNext.delete(path);
      const [status, code] = Array.isArray(fail) ? fail : [fail, fail === 409 ? 'offer_gone' : 'failed'];
      return json(status, { error: { code, message: 'mock' } });
    }
    if (path === '/mock/scene') return this.setScene(body.scene), json(200, {});
    if (path === '/mock/push') return this.push(body.type, body.data), json(200, {});
    if (path.startsWith('/v1/')) return this.#web(path, body, s, json);
    if (path === '/shop/config.json') return json(200, { writeKey: 'demo-shop', region: 'IT', phone: '+39 045 555 0190' });
    if (path.startsWith('/api/')) return this.#api(q, path, body, s, json);
    if (path === '/') return s.writeHead(302, { Location: '/desk/' }).end();
    return this.#file(path, s);
  }

  #web(path, body, s, json) {
    if (path === '/v1/filo.js') return s.writeHead(200, { 'Content-Type': 'text/javascript' }).end(tracker);
    if (path === '/v1/batch') {
      this.tracked.push(...(body?.batch ?? []));
      return json(200, {});
    }
    if (path === '/v1/call-token') {
      return json(200, { token: 't0ken', ws: '/sip?token=t0ken', uri: 'sip:shop@filo.local', user: 'guest-1', expires: new Date(Date.now() + 300_000).toISOString() });
    }
    return json(404, {});
  }

  #session(user) {
    const line = this.options.line ? { ws: `${this.url.replace('http', 'ws')}sip`, domain: 'filo.local', user: user.user, password: 'x', uri: 'sip:line@filo.local' } : null;
    return { ...user, lang: this.options.lang, csrf: 'c5rf', line, now: new Date(this.now()).toISOString() };
  }

  async #api(q, path, body, s, json) {
    const who = users[/filo_session=(\w+)/.exec(q.headers.cookie ?? '')?.[1] ?? ''];
    if (path === '/api/session' && q.method === 'POST') {
      const user = users[body?.user];
      if (!user || body.password !== 'filo') return json(401, { error: { code: 'unauthorized', message: 'wrong user or password' } });
      s.setHeader('Set-Cookie', `filo_session=${user.user}; Path=/; HttpOnly; SameSite=Strict`);
      return json(200, this.#session(user));
    }
    if (!who) return json(401, { error: { code: 'unauthorized', message: 'sign in' } });
    if (q.method !== 'GET' && q.headers['x-filo-csrf'] !== 'c5rf') return json(403, { error: { code: 'forbidden', message: 'csrf' } });
    if (path === '/api/session') {
      if (q.method === 'DELETE') s.setHeader('Set-Cookie', 'filo_session=; Path=/; Max-Age=0');
      return json(200, q.method === 'DELETE' ? {} : this.#session(who));
    }
    if (path === '/api/config') return json(200, { ...fx.config, demo: this.options.demo });
    if (path === '/api/directory') return json(200, this.directory);
    if (path === '/api/floor') return json(200, fx.floor(this.now()));
    if (path === '/api/agent/state') return this.#agent(body.state, body.reason ?? ''), json(200, {});
    const m = /^\/api\/(offers|contacts)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(path);
    if (!m) return json(404, {});
    const [, kind, id, verb, last] = m.map((x) => x && decodeURIComponent(x));
    if (kind === 'offers') return this.#offer(id, verb, json);
    if (verb === 'monitor') return this.#monitor(id, body, who, json);
    if (verb === 'trace') return this.trace ? json(200, ladder(id, fx.base, { ...this.trace, data: who.role !== 'agent' })) : json(404, { error: { code: 'no_contact', message: 'no such contact' } });
    return this.#contact(id, verb, last, body, s, json);
  }

  #agent(state, reason) {
    this.state.agent = { ...this.state.agent, state, ready: state === 'ready', reason, since: new Date(this.now()).toISOString() };
    this.push('agent', this.state.agent);
  }

  #offer(id, verb, json) {
    const offer = this.state.offers.find((o) => o.id === id);
    if (!offer) return json(409, { error: { code: 'offer_gone', message: 'gone' } });
    this.state.offers = [];
    json(200, verb === 'accept' ? { contact: offer.contact } : {});
    this.push('offer_gone', { offer: id, contact: offer.contact, reason: verb === 'accept' ? 'accepted' : 'rejected' });
    if (verb === 'accept') {
      const contact = offer.consult ? fx.consulted(this.now()) : fx.callContact(this.now(), { view: offer.view });
      this.state.contacts.unshift(contact);
      this.#agent('busy', '');
      this.push('contact', contact);
    } else this.#agent('ready', '');
  }

  #put(contact) {
    this.state.contacts = this.state.contacts.map((c) => (c.id === contact.id ? contact : c));
    this.push('contact', contact);
  }

  #contact(id, verb, last, body, s, json) {
    const c = this.state.contacts.find((x) => x.id === id) ?? this.state.offers.find((x) => x.contact === id);
    if (!c) return json(404, { error: { code: 'not_found', message: 'no such contact' } });
    if (verb === 'content') {
      s.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:" });
      return s.end(`<!doctype html><meta charset="utf-8"><style>body{margin:0;font:13.5px/20px system-ui,sans-serif;color:#1b1b1b;background:#fff}</style>${fx.bodies[last] ?? '<p>…</p>'}`);
    }
    if (verb === 'thread') {
      const events = ['2026-03-02', '2026-06-20', '2026-10-05'].map((d, i) => ({ id: `e_00${i}`, at: `${d}T10:00:00Z`, channel: i === 1 ? 'voice' : 'email', dir: i === 2 ? 'out' : 'in', kind: i === 1 ? 'call' : 'message', title: i === 1 ? '' : 'Newsletter', text: 'Un evento più vecchio.', answered: true }));
      return json(200, { ...c.view, events, earlier: 0 });
    }
    if (verb === 'verify') {
      const view = { ...fx.giulia(), tier: 'D3', phone: '+39 347 555 4419', email: 'giulia.rossi@posta.example', closed: [] };
      c.view = view;
      this.#put(c);
      return json(200, view);
    }
    json(200, verb === 'reply' ? { event: this.#replied(c, body) } : {});
    if (verb === 'command') this.#command(c, body);
    if (verb === 'wrapup' && last === 'extend') this.#put({ ...c, wrap_up_ends: new Date(Date.parse(c.wrap_up_ends) + body.ms).toISOString() });
    else if (verb === 'wrapup' || (verb === 'reply' && body.close)) this.#gone(id);
  }

  #replied(c, body) {
    return { id: `e_r${this.seq}`, at: new Date(this.now()).toISOString(), channel: c.channel, dir: 'out', kind: 'message', title: c.reply.subject, text: body.body, contact: c.id, answered: false };
  }

  #gone(id) {
    this.state.contacts = this.state.contacts.filter((c) => c.id !== id);
    this.push('contact_gone', { contact: id });
    if (this.state.agent.state === 'wrap_up') this.#agent('ready', '');
  }

  #monitor(contact, { mode }, who, json) {
    if (who.role !== 'supervisor') return json(403, { error: { code: 'forbidden', message: 'role' } });
    const agent = fx.floor(this.now()).agents.find((a) => a.contacts.some((c) => c.contact === contact));
    if (!agent) return json(404, { error: { code: 'no_contact', message: 'gone' } });
    json(200, {});
    const m = { contact, mode, agent: agent.name };
    this.monitor = mode === 'off' ? null : m;
    this.push('monitor', m);
  }

  /** call changes how a call stands, as the conductor would say it. */
  call(id, change) {
    const c = this.state.contacts.find((x) => x.id === id);
    if (!c?.call) return;
    const call = { ...c.call, ...change };
    this.#put({ ...c, call, hold: call.hold, muted: call.muted, line_lost: call.line_lost });
  }

  /** answer: the one who is called in a consultation answers. */
  answer(id = 'c_giulia') {
    const consult = this.state.contacts.find((x) => x.id === id)?.call?.consult;
    if (consult?.state === 'ringing') this.call(id, { consult: { ...consult, state: 'talking', name: consult.name || (consult.to.queue ? 'Ivo Marchetti' : '') } });
  }

  #command(c, { verb, to }) {
    const changes = {
      hold: { hold: true },
      resume: { hold: false },
      mute: { muted: true },
      unmute: { muted: false },
      record: { recording: 'on' },
      record_resume: { recording: 'on' },
      record_pause: { recording: 'paused' },
      record_stop: { recording: 'off' },
      drop: { consult: null, hold: false },
    };
    const consult = c.call?.consult;
    if (changes[verb]) this.call(c.id, changes[verb]);
    if (verb === 'consult') {
      this.call(c.id, { hold: false, consult: fx.consultWith('ringing', to, this.directory.agents.find((a) => a.id === to.agent)?.name ?? '') });
      if (this.options.ring) setTimeout(() => this.answer(c.id), this.options.ring).unref();
    }
    if (verb === 'swap') this.call(c.id, { consult: { ...consult, state: consult.state === 'talking' ? 'held' : 'talking' } });
    if (verb === 'conference') this.call(c.id, { consult: { ...consult, state: 'conference' } });
    if (verb === 'hangup' && c.consult) this.#gone(c.id);
    else if (verb === 'hangup' || verb === 'transfer' || verb === 'complete') {
      this.#put({ ...c, state: 'wrap_up', call: null, hold: false, wrap_up_ends: new Date(this.now() + 60_000).toISOString() });
      this.#agent('wrap_up', '');
    }
  }

  // ---------- event socket ----------

  #events(ws) {
    this.sockets.add(ws);
    ws.on('close', () => this.sockets.delete(ws));
    ws.on('message', (data) => {
      const m = JSON.parse(String(data));
      if (m.type === 'ping') return ws.send('{"type":"pong"}');
      if (m.type !== 'hello') return;
      if (m.csrf !== 'c5rf') return ws.close(1008);
      ws.greeted = true;
      ws.hello = m;
      const missed = this.held.filter((h) => h.seq > m.after);
      if (m.after > 0 && missed[0]?.seq === m.after + 1) missed.forEach((h) => ws.send(h.frame));
      else ws.send(JSON.stringify({ seq: this.seq || (this.seq = 1), type: 'snapshot', data: this.#snapshot() }));
      ws.send(JSON.stringify({ seq: ++this.seq, type: 'line', data: { up: true } }));
    });
  }

  async #file(path, s) {
    const name = normalize(path.endsWith('/') ? `${path}index.html` : path).replace(/^(\.\.[/\\])+/, '');
    try {
      const data = await readFile(join(dist, name));
      s.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': csp, 'Cache-Control': 'no-store' }).end(data);
    } catch {
      s.writeHead(404).end('not found');
    }
  }
}
