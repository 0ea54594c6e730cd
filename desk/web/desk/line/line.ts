// An agent's voice line: one SIP dialog over WebSocket that stays up for the whole shift,
// so that answering a caller costs no ICE and no DTLS. The browser REGISTERs, INVITEs
// the line's address and then sends nothing until a voice contact is connected.

import type { RTCSession } from 'jssip/lib/RTCSession';
import type { UA } from 'jssip/lib/UA';
import type { LineAccess } from '../api';
import { holdLock } from './leader';
import { openMic } from './devices';

export type LineState =
  | 'none' // this user has no browser line
  | 'phone' // calls ring on a SIP phone
  | 'off'
  | 'permission' // the browser asks for the microphone
  | 'connecting'
  | 'up'
  | 'lost'
  | 'blocked' // no permission
  | 'nomic'
  | 'elsewhere' // another tab of this browser has it
  | 'replaced'; // another browser took it over

export interface LineReport {
  state: LineState;
  rtt: number | null; // ms
  loss: number | null; // percent of the last seconds
  level: number; // of the far side, 0..1
  needsGesture: boolean; // the browser plays nothing before a key or click
}

export interface LineChoice {
  mic: string;
  voice: string;
}

const retryWaits = [250, 500, 1_000, 2_000, 4_000, 8_000];
const gathering = 120; // ms that late host candidates may take
const statsEvery = 500;

export class Line {
  #report: LineReport = { state: 'off', rtt: null, loss: null, level: 0, needsGesture: false };
  #ua: UA | null = null;
  #session: RTCSession | null = null;
  #pc: RTCPeerConnection | null = null;
  #mic: MediaStream | null = null;
  #remote: MediaStream | null = null;
  #talking = false;
  #muted = false;
  #listening = false;
  #tries = 0;
  #timer = 0;
  #stats = 0;
  #stopped = true;
  #lock: { release(): void } | null = null;
  #chain: Promise<void> = Promise.resolve();
  #packets = { lost: 0, got: 0 };

  constructor(
    private access: LineAccess,
    private choice: LineChoice,
    private readonly audio: HTMLAudioElement,
    private readonly onReport: (report: LineReport) => void,
    private readonly renew: () => Promise<LineAccess | null>,
  ) {}

  /** stream is what the far side sends. */
  get stream(): MediaStream | null {
    return this.#remote;
  }

  get state(): LineState {
    return this.#report.state;
  }

  /** start takes the line, or waits while another tab has it; steal takes it from there. */
  start(steal = false): void {
    this.#stopped = false;
    this.#lock?.release();
    this.#lock = holdLock(`filo-line-${this.access.user}`, steal, {
      got: () => void this.#run(),
      waiting: () => this.#set({ state: 'elsewhere' }),
      lost: () => {
        this.#drop();
        if (!this.#stopped) this.start();
      },
    });
  }

  /** retry is the user's: after the microphone was blocked, or the line went to another desk. */
  retry(): void {
    if (this.#report.state === 'elsewhere') this.start(true);
    else void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#drop();
    this.#lock?.release();
    this.#lock = null;
    this.#mic?.getTracks().forEach((t) => t.stop());
    this.#mic = null;
    this.#set({ state: 'off' });
  }

  /** talk opens and closes the microphone's way into the line. */
  talk(on: boolean): void {
    if (this.#talking === on) return;
    this.#talking = on;
    this.#applySender();
  }

  /** listen says that the far side is to be heard though the microphone may be closed. */
  listen(on: boolean): void {
    this.#listening = on;
  }

  mute(on: boolean): void {
    this.#muted = on;
    this.#enableTrack();
  }

  async choose(choice: LineChoice): Promise<void> {
    const micChanged = choice.mic !== this.choice.mic;
    this.choice = choice;
    await this.#useVoice();
    if (!micChanged || !this.#mic) return;
    const old = this.#mic;
    this.#mic = await openMic(choice.mic);
    old.getTracks().forEach((t) => t.stop());
    this.#applySender();
  }

  /** hear starts playing after a gesture, when the browser asked for one. */
  hear(): void {
    if (this.#report.needsGesture) void this.#play();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#drop();
    this.#set({ state: await permissionState() });
    const jssip = import('jssip');
    try {
      this.#mic ??= await openMic(this.choice.mic);
    } catch (e) {
      this.#set({ state: (e as DOMException).name === 'NotFoundError' ? 'nomic' : 'blocked' });
      return;
    }
    this.#enableTrack();
    this.#set({ state: 'connecting' });
    const { default: JsSIP } = await jssip;
    if (this.#stopped) return;
    const ua = new JsSIP.UA({
      sockets: new JsSIP.WebSocketInterface(this.access.ws),
      uri: `sip:${this.access.user}@${this.access.domain}`,
      authorization_user: this.access.user,
      password: this.access.password,
      instance_id: instanceId(),
      register: true,
      register_expires: 300,
      session_timers: false, // a refresh would bind the dialog to one flow
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: 'Filo desk',
    });
    this.#ua = ua;
    ua.on('registered', () => {
      if (this.#ua !== ua) return;
      this.#tries = 0;
      if (this.#session?.isEstablished()) this.#set({ state: 'up' });
      else if (!this.#session) this.#dial(ua);
    });
    ua.on('disconnected', () => this.#ua === ua && !this.#stopped && this.#set({ state: 'lost' }));
    ua.on('registrationFailed', () => this.#ua === ua && void this.#renewed());
    ua.on('newRTCSession', ({ originator, session }: { originator: string; session: RTCSession }) => {
      if (originator === 'remote') session.terminate({ status_code: 486 });
    });
    ua.start();
  }

  /** The credential is short-lived: after a refusal ask the server for a new one. */
  async #renewed(): Promise<void> {
    this.#set({ state: 'lost' });
    const access = await this.renew().catch(() => null);
    if (access) this.access = access;
    this.#later(() => void this.#run());
  }

  #later(what: () => void): void {
    clearTimeout(this.#timer);
    const wait = retryWaits[Math.min(this.#tries++, retryWaits.length - 1)] ?? 8_000;
    this.#timer = window.setTimeout(() => {
      if (!this.#stopped) what();
    }, wait);
  }

  #dial(ua: UA): void {
    if (!this.#mic) return;
    const session = ua.call(this.access.uri, {
      mediaStream: this.#mic,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [], bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' },
      eventHandlers: {
        peerconnection: ({ peerconnection }) => this.#watch(peerconnection),
        sending: () => this.#applySender(),
        confirmed: () => this.#confirmed(),
        ended: (e) => this.#over(session, ua, reasonOf(e.message)),
        failed: (e) => this.#over(session, ua, reasonOf(e.message)),
      },
    });
    let gathered = 0;
    session.on('icecandidate', ({ ready }) => {
      clearTimeout(gathered);
      gathered = window.setTimeout(ready, gathering);
    });
    this.#session = session;
  }

  #watch(pc: RTCPeerConnection): void {
    this.#pc = pc;
    this.#packets = { lost: 0, got: 0 };
    pc.addEventListener('track', (e) => {
      if (this.#pc !== pc) return;
      this.#remote = new MediaStream([e.track]);
      this.audio.srcObject = this.#remote;
      void this.#useVoice().then(() => this.#play());
    });
  }

  #confirmed(): void {
    this.#tries = 0;
    this.#applySender();
    this.#set({ state: 'up' });
    clearInterval(this.#stats);
    this.#stats = window.setInterval(() => void this.#measure(), statsEvery);
  }

  #over(session: RTCSession, ua: UA, reason: string): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#pc = null;
    clearInterval(this.#stats);
    this.#set({ level: 0, rtt: null, loss: null });
    if (this.#stopped || this.#ua !== ua) return;
    if (/replaced/i.test(reason)) {
      this.#ua = null; // what it still says, as it goes, is no news
      this.#set({ state: 'replaced' });
      ua.stop();
      return;
    }
    this.#set({ state: 'lost' });
    this.#later(() => {
      if (this.#ua === ua && ua.isRegistered() && !this.#session) this.#dial(ua);
    });
  }

  #drop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#stats);
    const [ua, session] = [this.#ua, this.#session];
    this.#ua = this.#session = this.#pc = null;
    if (session && !session.isEnded()) session.terminate();
    ua?.stop();
  }

  /** While nobody is connected the sender has no track and its encodings are inactive: no RTP. */
  #applySender(): void {
    this.#chain = this.#chain.then(async () => {
      const sender = this.#pc?.getTransceivers().find((t) => t.receiver.track.kind === 'audio')?.sender;
      const track = this.#mic?.getAudioTracks()[0] ?? null;
      if (!sender) return;
      try {
        this.#enableTrack();
        await sender.replaceTrack(this.#talking ? track : null);
        const parameters = sender.getParameters();
        if (!parameters.encodings?.length) return;
        for (const encoding of parameters.encodings) encoding.active = this.#talking;
        await sender.setParameters(parameters);
      } catch {
        // The connection went away meanwhile; the next one is set up anew.
      }
    });
  }

  #enableTrack(): void {
    for (const track of this.#mic?.getAudioTracks() ?? []) track.enabled = this.#talking && !this.#muted;
  }

  async #useVoice(): Promise<void> {
    const audio = this.audio as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };
    await audio.setSinkId?.(this.choice.voice).catch(() => audio.setSinkId?.(''));
  }

  async #play(): Promise<void> {
    try {
      await this.audio.play();
      this.#set({ needsGesture: false });
    } catch (e) {
      if ((e as DOMException).name === 'NotAllowedError') this.#set({ needsGesture: true });
    }
  }

  async #measure(): Promise<void> {
    const pc = this.#pc;
    if (!pc) return;
    const stats = await pc.getStats();
    const next: Partial<LineReport> = {};
    stats.forEach((s: Record<string, unknown> & { type: string }) => {
      if (s.type === 'candidate-pair' && s['nominated'] && typeof s['currentRoundTripTime'] === 'number') {
        next.rtt = Math.round(s['currentRoundTripTime'] * 1000);
      }
      if (s.type === 'inbound-rtp' && s['kind'] === 'audio') {
        next.level = this.#talking || this.#listening ? Number(s['audioLevel'] ?? 0) : 0;
        next.loss = this.#lossSince(Number(s['packetsLost'] ?? 0), Number(s['packetsReceived'] ?? 0));
      }
    });
    if (this.#pc === pc) this.#set(next);
  }

  #lossSince(lost: number, got: number): number | null {
    const [dl, dg] = [lost - this.#packets.lost, got - this.#packets.got];
    if (dg + dl < 100) return this.#report.loss;
    this.#packets = { lost, got };
    return (Math.max(0, dl) / (dg + Math.max(0, dl))) * 100;
  }

  #set(change: Partial<LineReport>): void {
    this.#report = { ...this.#report, ...change };
    this.onReport(this.#report);
  }
}

function reasonOf(message: unknown): string {
  const m = message as { getHeader?: (name: string) => string | undefined } | null;
  return m?.getHeader?.('Reason') ?? '';
}

async function permissionState(): Promise<LineState> {
  try {
    const status = await navigator.permissions.query({ name: 'microphone' as PermissionName });
    return status.state === 'prompt' ? 'permission' : 'connecting';
  } catch {
    return 'permission';
  }
}

/** instanceId is one +sip.instance a tab, so that a reload is the same instance. */
function instanceId(): string {
  const key = 'filo.instance';
  let id = sessionStorage.getItem(key);
  if (!id) sessionStorage.setItem(key, (id = crypto.randomUUID()));
  return id;
}
