// A visitor's call from the browser: token, microphone, one INVITE, and what it became.

import type { RTCSession } from 'jssip/lib/RTCSession';
import type { UA } from 'jssip/lib/UA';

export type CallState = 'mic' | 'ring' | 'talk' | 'nomic' | 'failed' | 'done';

interface Token {
  token: string;
  ws: string;
  uri: string;
  user: string;
}

export class Call {
  muted = false;
  #ua: UA | null = null;
  #session: RTCSession | null = null;
  #mic: MediaStream | null = null;
  #over = false;
  #talked = false;

  constructor(
    private readonly origin: string,
    private readonly writeKey: string,
    private readonly audio: HTMLAudioElement,
    private readonly on: (state: CallState) => void,
  ) {}

  async start(): Promise<void> {
    this.on('mic');
    try {
      this.#mic = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    } catch {
      if (!this.#over) this.on('nomic');
      return;
    }
    if (this.#over) return this.#free();
    this.on('ring');
    try {
      const [token, { default: JsSIP }] = await Promise.all([this.#token(), import('jssip')]);
      if (this.#over) return this.#free();
      const domain = token.uri.split('@')[1] ?? 'filo.local';
      const ua = new JsSIP.UA({
        sockets: new JsSIP.WebSocketInterface(this.#socket(token.ws)),
        uri: `sip:${token.user}@${domain}`,
        register: false,
        session_timers: false,
        user_agent: 'Filo call',
      });
      this.#ua = ua;
      ua.on('connected', () => !this.#session && this.#invite(ua, token));
      ua.on('disconnected', () => !this.#session && this.#end('failed'));
      ua.start();
    } catch {
      this.#end('failed');
    }
  }

  end(): void {
    if (this.#session && !this.#session.isEnded()) this.#session.terminate();
    else this.#end('done');
  }

  mute(on: boolean): void {
    this.muted = on;
    for (const track of this.#mic?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /** dial sends a key by RFC 4733, or by INFO where the far side takes no events. */
  dial(key: string): void {
    const sender = this.#session?.connection?.getSenders().find((s) => s.dtmf);
    if (sender?.dtmf?.canInsertDTMF) sender.dtmf.insertDTMF(key, 120, 70);
    else this.#session?.sendDTMF(key, { duration: 120 });
  }

  /** level is how loud the far side is, 0..1. */
  async level(): Promise<number> {
    let level = 0;
    (await this.#session?.connection?.getStats())?.forEach((s: { type: string; audioLevel?: number }) => {
      if (s.type === 'inbound-rtp') level = s.audioLevel ?? 0;
    });
    return level;
  }

  async #token(): Promise<Token> {
    const anonymousId = (window as unknown as { filo?: { anonymousId?: string } }).filo?.anonymousId ?? /(?:^|; )filo_anon=(\w+)/.exec(document.cookie)?.[1] ?? '';
    const answer = await fetch(`${this.origin}/v1/call-token`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ anonymousId, writeKey: this.writeKey }) });
    if (!answer.ok) throw new Error(`token: ${answer.status}`);
    return (await answer.json()) as Token;
  }

  #socket(path: string): string {
    const url = new URL(path, this.origin);
    url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
    return url.href;
  }

  #invite(ua: UA, token: Token): void {
    if (!this.#mic) return;
    const session = ua.call(token.uri, {
      mediaStream: this.#mic,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [], bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' },
      extraHeaders: [`X-Filo-Token: ${token.token}`],
      eventHandlers: {
        peerconnection: ({ peerconnection }) => {
          peerconnection.addEventListener('track', (e) => {
            this.audio.srcObject = new MediaStream([e.track]);
            void this.audio.play().catch(() => undefined);
          });
        },
        confirmed: () => {
          this.#talked = true;
          this.on('talk');
        },
        ended: () => this.#end('done'),
        failed: () => this.#end('failed'),
      },
    });
    let gathered = 0;
    session.on('icecandidate', ({ ready }) => {
      clearTimeout(gathered);
      gathered = window.setTimeout(ready, 120);
    });
    this.#session = session;
  }

  #end(state: 'done' | 'failed'): void {
    if (this.#over) return;
    this.#over = true;
    this.#free();
    if (this.#talked || state === 'failed') this.on(state);
  }

  #free(): void {
    this.#mic?.getTracks().forEach((t) => t.stop());
    this.#ua?.stop();
    this.#ua = null;
    this.audio.srcObject = null;
  }
}
