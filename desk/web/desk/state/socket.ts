// The event socket: hello with the last sequence number, replay or a fresh snapshot,
// back-off with jitter when it is lost.

import type { Frame } from '../api';

export type SocketState = 'connecting' | 'open' | 'lost';

const firstWait = 300;
const longestWait = 8_000;
const pingEvery = 15_000;
const silence = 40_000; // without any frame, once the server has shown that it answers pings

export interface SocketEvents {
  frame(frame: Frame): void;
  state(state: SocketState, retryAt?: number): void;
  refused(): void; // the session is over
}

/** waitFor is the back-off before the n-th attempt (0 is the first retry), in ms. */
export function waitFor(n: number, random = Math.random()): number {
  return Math.round(Math.min(longestWait, firstWait * 2 ** n) * (0.75 + random / 2));
}

export class EventSocket {
  #ws: WebSocket | null = null;
  #seq = 0;
  #tries = 0;
  #timer = 0;
  #pinger = 0;
  #heard = 0;
  #answersPings = false;
  #stopped = false;

  constructor(
    private readonly csrf: string,
    private readonly on: SocketEvents,
    private readonly url = socketURL('/api/events'),
  ) {}

  start(): void {
    this.#connect();
    globalThis.addEventListener?.('online', this.#now);
  }

  stop(): void {
    this.#stopped = true;
    globalThis.removeEventListener?.('online', this.#now);
    clearTimeout(this.#timer);
    clearInterval(this.#pinger);
    this.#ws?.close(1000);
  }

  #now = (): void => {
    if (this.#ws || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #connect(): void {
    this.on.state('connecting');
    const ws = new WebSocket(this.url);
    this.#ws = ws;
    ws.onopen = () => {
      this.#heard = Date.now();
      ws.send(JSON.stringify({ type: 'hello', csrf: this.csrf, after: this.#seq }));
    };
    ws.onmessage = (m) => this.#receive(String(m.data));
    ws.onclose = (e) => this.#closed(ws, e);
  }

  #receive(text: string): void {
    this.#heard = Date.now();
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return;
    }
    if (frame.type === 'pong') this.#answersPings = true;
    if (typeof frame.seq === 'number' && frame.seq > 0) {
      // A replay may overlap with what came before; a snapshot always counts.
      if (frame.type !== 'snapshot' && frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
    }
    this.#alive();
    this.on.frame(frame);
  }

  #alive(): void {
    if (this.#pinger) return;
    this.#tries = 0;
    this.on.state('open');
    this.#pinger = setInterval(() => {
      this.#ws?.send('{"type":"ping"}');
      if (this.#answersPings && Date.now() - this.#heard > silence) this.#ws?.close(4000);
    }, pingEvery) as unknown as number;
  }

  #closed(ws: WebSocket, e: CloseEvent): void {
    if (this.#ws !== ws) return;
    this.#ws = null;
    clearInterval(this.#pinger);
    this.#pinger = 0;
    if (this.#stopped) return;
    if (e.code === 1008 || e.code === 4401) {
      this.on.refused();
      return;
    }
    const wait = waitFor(this.#tries++);
    this.on.state('lost', Date.now() + wait);
    this.#timer = setTimeout(() => this.#connect(), wait) as unknown as number;
  }
}

/** socketURL makes the ws(s) URL of a path or URL on our own origin. */
export function socketURL(path: string, base: string = globalThis.location?.href ?? 'http://localhost/'): string {
  const url = new URL(path, base);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  return url.href;
}
