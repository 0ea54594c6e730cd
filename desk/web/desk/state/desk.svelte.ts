// The desk as one object: session, event socket, line, what is selected, and everything
// that the agent can do. Components read it and call it; nothing else talks to the server.

import {
  api, Failure, useToken, type Channel, type Config, type Consult, type Contact, type Directory, type Frame, type Lang, type MonitorMode, type Offer, type Session, type ThreadEvent, type To, type Verb,
} from '../api';
import { catalogues, langOf, pick, type Strings } from '../i18n';
import { Line, type LineReport } from '../line/line';
import { Ringer } from '../line/ring';
import { sentence, whoIs } from '../sentence';
import { capital, formName, stageName } from '../thread';
import { callOf, isCall, targetKey } from './call';
import { remember } from './recent';
import { addEarlier, addEvent, apply, changeView, nothing, type DeskState } from './reducer';
import { load, save, showTheme, type Settings } from './settings';
import { EventSocket, type SocketState } from './socket';
import { Drafts } from './drafts';

export type Sheet = 'none' | 'settings' | 'keys' | 'find';
export type Panel = 'none' | 'keypad' | 'verify' | 'close' | 'transfer' | 'consult';

const autoSave = 1_200; // ms before wrap-up closes by itself: what was typed is saved
const endWaits = 1_500; // ms at most, for the commands sent before the end of a call
const once = new Set<Verb>(['transfer', 'consult', 'swap', 'conference', 'complete', 'drop', 'record', 'record_pause', 'record_resume', 'record_stop']);
const leaves = new Set<Verb>(['hangup', 'complete']); // the agent leaves the call
const picks = new Set<Verb>(['transfer', 'consult']); // chosen in the picker
const noLine: LineReport = { state: 'none', rtt: null, loss: null, level: 0, needsGesture: false };

interface Wish {
  contact: string;
  muted: boolean;
}

const withMuted = (c: Contact, muted: boolean): Contact => ({ ...c, muted, ...(c.call ? { call: { ...c.call, muted } } : {}) });

export class Desk {
  session = $state.raw<Session | null>(null);
  checked = $state(false); // whether it is known if there is a session
  config = $state.raw<Config>({ dispositions: [], reasons: [], languages: ['en', 'it'], demo: false });
  data = $state.raw<DeskState>(nothing);
  socket = $state<SocketState>('connecting');
  wasOpen = $state(false);
  line = $state.raw<LineReport>(noLine);
  settings = $state.raw<Settings>(load());
  now = $state(Date.now()); // the server's clock
  chosen = $state<string | null>(null); // contact or offer id
  page = $state<'desk' | 'floor'>('desk');
  sheet = $state<Sheet>('none');
  panel = $state<Panel>('none');
  alert = $state(''); // said at once
  status = $state(''); // said when there is time
  problem = $state(''); // shown until the next action
  busy = $state(''); // offer or contact id with a command under way
  signInError = $state<'' | 'wrong' | 'tooMany' | 'unreachable' | 'over'>('');
  wantsFocus = $state(0); // counts up when the dock should take the focus after an own action
  gaveFocus = 0; // as far as that was done
  directory = $state.raw<Directory | null>(null);
  stageAt = $state.raw<{ contact: string; at: number } | null>(null); // when the consultation came to its stage, if that was seen
  closed = $state.raw<{ id: string; who: string; channel: Channel; at: number }[]>([]); // of this sitting
  drafts = new Drafts();

  lang = $derived<Lang>(this.settings.lang || langOf(this.session?.lang ?? navigator.language));
  t = $derived<Strings>(catalogues[this.lang]);
  offers = $derived(this.data.offers);
  contacts = $derived([...this.data.contacts].sort(urgency));
  offer = $derived(this.offers.find((o) => o.id === this.chosen) ?? null);
  contact = $derived(this.contacts.find((c) => c.id === this.chosen) ?? null);
  waitingOffer = $derived(this.offers.find((o) => !o.phone) ?? null);
  call = $derived(this.contacts.find(isCall) ?? null);
  monitor = $derived(this.data.monitor);
  supervises = $derived(this.session?.role === 'supervisor' || this.session?.role === 'admin');

  #events: EventSocket | null = null;
  #line: Line | null = null;
  #ringer = new Ringer();
  #accepting = $state(false);
  #notes = new Map<string, Notification>();
  #heard = new Set<string>(); // offers that were announced
  #commands: Promise<void> = Promise.resolve();
  #under = new Set<string>(); // commands that are not answered yet
  #muting = $state.raw<Wish | null>(null); // at work before the server answers
  #handed: { contact: string; to: string } | null = null; // the call that the agent gives away, and to whom
  #helped = ''; // contact with which a colleague was helped: if it comes to us, it takes the place of the help
  #dropping = ''; // contact whose consultation the agent ends
  #saving = new Set<string>();
  #audio: HTMLAudioElement | null = null;

  /** open finds out whether there is a session and goes on from there. */
  async open(audio: HTMLAudioElement): Promise<void> {
    this.#audio = audio;
    window.setInterval(() => this.#tick(), 250);
    try {
      this.#enter(await api.session());
    } catch {
      // Not signed in, or no server: the form says so when it is used.
    }
    this.checked = true;
  }

  async signIn(user: string, password: string): Promise<void> {
    this.signInError = '';
    try {
      this.#enter(await api.signIn(user, password));
    } catch (e) {
      const status = e instanceof Failure ? e.status : 0;
      this.signInError = status === 401 ? 'wrong' : status === 429 ? 'tooMany' : 'unreachable';
    }
  }

  async signOut(): Promise<void> {
    this.#leave();
    await api.signOut().catch(() => undefined);
    useToken('');
  }

  #enter(session: Session): void {
    useToken(session.csrf);
    this.session = session;
    this.page = location.hash === '#floor' || (session.role !== 'agent' && location.hash !== '#desk') ? 'floor' : 'desk';
    if (!this.supervises) this.page = 'desk';
    void api.config().then((c) => (this.config = c), () => undefined);
    this.data = { ...nothing, skew: Date.parse(session.now) - Date.now() || 0 };
    this.#tick();
    this.#events = new EventSocket(session.csrf, {
      frame: (f) => this.#frame(f),
      state: (s) => this.#socketState(s),
      refused: () => this.#over(),
    });
    this.#events.start();
    this.#openLine(session);
  }

  #openLine(session: Session): void {
    if (!session.line || !this.#audio) {
      this.line = { ...noLine, state: session.phone ? 'phone' : 'none' };
      return;
    }
    const { mic, voice } = this.settings;
    this.#line = new Line(session.line, { mic, voice }, this.#audio, (r) => (this.line = r), async () => (await api.session()).line);
    this.#line.start();
    const line = this.#line;
    window.__filo = {
      line: {
        get stream() {
          return line.stream;
        },
        get state() {
          return line.state;
        },
      },
    };
  }

  /** over leaves a session that the server has ended. */
  #over(): void {
    this.#leave();
    this.signInError = 'over';
  }

  #leave(): void {
    this.#events?.stop();
    this.#line?.stop();
    this.#events = this.#line = null;
    this.#ringer.quiet();
    this.#heard.clear();
    this.drafts.clear();
    this.session = null;
    this.data = nothing;
    this.line = noLine;
    this.closed = [];
    this.directory = null;
    this.chosen = null;
    this.sheet = 'none';
    this.panel = 'none';
    this.wasOpen = false;
    this.#closeNotes();
  }

  // ---------- what the server says ----------

  #socketState(s: SocketState): void {
    if (s === 'open' && this.wasOpen && this.socket !== 'open') this.status = this.t.net.back;
    if (s === 'lost' && this.socket === 'open') this.status = this.t.net.lost;
    // While a lost connection is being retried it stays lost for the eye.
    if (s !== 'connecting' || !this.wasOpen) this.socket = s;
    if (s === 'open') this.wasOpen = true;
  }

  #frame(frame: Frame): void {
    const before = this.data;
    this.data = apply(before, frame, Date.now());
    this.#tick();
    this.#follow(before, this.data);
    if (frame.type === 'thread' && frame.data.contact === (this.contact?.id ?? this.offer?.contact)) this.#sayEvent(frame.data.event);
    if (frame.type === 'offer_gone') this.#offerGone(frame.data);
  }

  /** follow draws the consequences of a change: ring, announce, move the selection. */
  #follow(before: DeskState, after: DeskState): void {
    for (const offer of after.offers) {
      if (!this.#heard.has(offer.id)) this.#newOffer(offer);
    }
    for (const contact of after.contacts) {
      const was = before.contacts.find((c) => c.id === contact.id);
      if (was?.state === 'connected' && contact.state === 'wrap_up' && contact.channel === 'voice') this.status = this.#wrapBegan(contact);
      if (contact.channel === 'voice' && contact.line_lost && was && !was.line_lost) this.alert = this.t.call.lineLost;
      if (isCall(contact) && isCall(was)) this.#sayCall(was, contact);
    }
    for (const was of before.contacts) if (after.known && !after.contacts.some((c) => c.id === was.id)) this.#wasClosed(was);
    if (after.monitor?.mode !== before.monitor?.mode || after.monitor?.contact !== before.monitor?.contact) this.#sayMonitor(before, after);
    this.#selectAgain(before, after);
    this.#sound();
    this.#useLine();
  }

  #wrapBegan(contact: Contact): string {
    const to = this.#handed?.contact === contact.id ? this.#handed.to : '';
    this.#handed = null;
    return to ? this.t.transfer.done(to) : this.t.wrap.began;
  }

  /** useLine opens the microphone and the ear as far as they are needed now. */
  #useLine(): void {
    const heard = this.monitor !== null && this.monitor.mode !== 'listen';
    this.#line?.talk(this.call !== null || this.#accepting || heard);
    this.#line?.listen(this.monitor !== null);
    this.#line?.mute(this.call !== null && this.muted(this.call));
  }

  /** sayCall announces what changed on a call, and by whom that is not obvious. */
  #sayCall(before: Contact, after: Contact): void {
    const [was, is] = [callOf(before), callOf(after)];
    if (was.consult?.state !== is.consult?.state) this.#sayConsult(after, was.consult, is.consult);
    if (was.recording !== is.recording) this.status = this.t.record.said(is.recording, was.recording);
    if (was.monitor?.mode !== is.monitor?.mode) this.alert = is.monitor ? this.t.monitor.present[is.monitor.mode](is.monitor.name) : this.t.monitor.gone(was.monitor?.name ?? '');
  }

  #sayConsult(contact: Contact, was: Consult | null, is: Consult | null): void {
    this.stageAt = is ? { contact: contact.id, at: this.now } : null;
    const t = this.t.consult;
    const customer = this.first(contact);
    if (is) {
      if (this.panel === 'transfer' || this.panel === 'consult') this.panel = 'none';
      this.status = t.said[is.state](this.toName(is.to, is.name), customer);
      return;
    }
    if (this.#dropping === contact.id) this.status = t.dropped(customer);
    else if (was) this.alert = t.over(this.toName(was.to, was.name), customer);
    this.#dropping = '';
  }

  #sayMonitor(before: DeskState, after: DeskState): void {
    const t = this.t.monitor;
    const m = after.monitor;
    if (m && m.mode !== 'off') this.status = `${t.doing[m.mode](m.agent)}. ${t.heard[m.mode](m.agent)}`;
    else if (before.monitor) this.status = t.over(before.monitor.agent);
  }

  #wasClosed(contact: Contact): void {
    if (contact.consult) return; // a colleague's contact, not one of ours
    if (this.closed.some((c) => c.id === contact.id)) return;
    this.closed = [{ id: contact.id, who: this.who(contact), channel: contact.channel, at: this.now }, ...this.closed].slice(0, 8);
  }

  #newOffer(offer: Offer): void {
    this.#heard.add(offer.id);
    this.alert = this.sentenceOf(offer);
    this.#notify(offer);
    if (offer.channel !== 'voice' && this.line.state !== 'elsewhere') this.#ringer.chime(this.settings.ring, this.settings.volume);
    if (!this.chosen || !this.#working()) this.chosen = offer.id;
  }

  /** working tells whether showing something else would take the ground from under the focus. */
  #working(): boolean {
    const focus = document.activeElement;
    return focus instanceof HTMLElement && focus.closest('.dock, .card, dialog') !== null;
  }

  #selectAgain(before: DeskState, after: DeskState): void {
    const shown = this.chosen;
    if (this.#helped && after.contacts.some((c) => c.id === this.#helped)) {
      this.select(this.#helped);
      this.wantsFocus++;
      return;
    }
    if (shown && (after.offers.some((o) => o.id === shown) || after.contacts.some((c) => c.id === shown))) return;
    const was = before.offers.find((o) => o.id === shown);
    const became = was && after.contacts.find((c) => c.id === was.contact);
    const first = after.offers[0]?.id ?? [...after.contacts].sort(urgency)[0]?.id ?? null;
    this.select(became?.id ?? first);
    this.#helped = before.contacts.find((c) => c.id === shown)?.consult?.contact ?? '';
  }

  #offerGone(gone: { offer: string; contact: string; reason: string }): void {
    this.#notes.get(gone.offer)?.close();
    this.#notes.delete(gone.offer);
    const words = this.t.offer;
    if (gone.reason === 'expired') this.status = words.expired;
    if (gone.reason === 'withdrawn') this.status = words.withdrawn;
  }

  #sayEvent(e: ThreadEvent): void {
    const word = (e.dir === 'out' ? this.t.thread.ours : this.t.thread.word)[e.channel] ?? '';
    const step = e.attrs?.['step'];
    const what = step ? this.t.thread.atStep(formName(this.t, e.attrs?.['form']), stageName(this.t, step)) : (e.title ?? e.text ?? '');
    if (e.dir !== 'out') this.status = `${word}: ${capital(what)}`;
  }

  // ---------- time, sound, notices ----------

  #tick(): void {
    this.now = Date.now() + this.data.skew;
    const ending = this.data.contacts.find((c) => c.state === 'wrap_up' && c.wrap_up_ends && Date.parse(c.wrap_up_ends) - this.now < autoSave);
    if (ending && this.drafts.hasWrapUp(ending.id)) void this.saveWrapUp(ending, 'none');
  }

  #sound(): void {
    const rings = this.offers.some((o) => o.channel === 'voice' && !o.phone) && !this.#accepting && this.line.state !== 'elsewhere';
    if (rings) this.#ringer.ring(this.settings.ring, this.settings.volume);
    else this.#ringer.quiet();
  }

  async testSound(): Promise<void> {
    this.status = this.t.settings.testing;
    this.#ringer.chime(this.settings.ring, this.settings.volume);
    await new Promise((done) => setTimeout(done, 900));
    await this.#ringer.tone(this.settings.voice, 0.5);
  }

  #notify(offer: Offer): void {
    if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
    const note = new Notification(this.incoming(offer), { body: this.sentenceOf(offer), tag: offer.id, requireInteraction: true });
    note.onclick = () => {
      window.focus();
      this.select(offer.id);
      note.close();
    };
    this.#notes.set(offer.id, note);
  }

  #closeNotes(): void {
    for (const note of this.#notes.values()) note.close();
    this.#notes.clear();
  }

  // ---------- words ----------

  /** sentenceOf is the offer as it is read aloud. */
  sentenceOf(offer: Pick<Offer, 'view' | 'channel' | 'consult'>): string {
    const written = pick(offer.view.sentence, this.lang);
    const asks = offer.consult ? `${this.t.consult.asks(offer.consult.name)} ` : '';
    if (written) return asks + written;
    const { who, rest } = sentence(this.t, this.lang, offer.view, offer.channel, this.now);
    return asks + who + rest;
  }

  /** first is the customer's first name, as far as it may be known. */
  first(of: Pick<Contact, 'view'>): string {
    return of.view.name?.split(' ')[0] ?? this.t.call.you;
  }

  /** toName names a destination: who was found, or what was asked for. */
  toName(to: To, found = ''): string {
    if (found) return found;
    if (to.agent) return this.directory?.agents?.find((a) => a.id === to.agent)?.name ?? to.agent;
    const queue = to.queue && (this.directory?.queues?.find((q) => q.id === to.queue) ?? this.data.queues.find((q) => q.id === to.queue));
    return queue ? pick(queue.label, this.lang, queue.id) : (to.queue ?? to.number ?? '');
  }

  /** muted is what the agent wishes, which is what counts for the microphone. */
  muted(contact: Contact): boolean {
    return this.#muting?.contact === contact.id ? this.#muting.muted : callOf(contact).muted;
  }

  who(of: Pick<Offer, 'view' | 'channel'>): string {
    return whoIs(this.t, of.view, of.channel);
  }

  queue(of: { queue: string; queue_label: Offer['queue_label'] }): string {
    return pick(of.queue_label, this.lang, of.queue);
  }

  incoming(offer: Offer): string {
    const what = offer.consult ? this.t.consult.by(offer.consult.name) : (this.t.offer.incoming[offer.channel] ?? '');
    return `${what}, ${this.queue(offer)}`;
  }

  // ---------- what the agent does ----------

  select(id: string | null): void {
    if (id === this.chosen) return;
    this.chosen = id;
    this.#helped = '';
    this.panel = 'none';
    this.problem = '';
  }

  go(page: 'desk' | 'floor'): void {
    this.page = page;
    history.replaceState(null, '', `#${page}`);
  }

  /** change stores a choice of the user and lets it work. */
  change(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change };
    save(this.settings);
    showTheme(this.settings.theme);
    if ('mic' in change || 'voice' in change) void this.#line?.choose({ mic: this.settings.mic, voice: this.settings.voice }).catch(() => undefined);
  }

  async setState(state: 'ready' | 'not_ready', reason?: string): Promise<void> {
    await this.#try(() => api.setState(state, reason), (e) => (e.status === 409 ? this.t.state.needsLine : this.t.state.failed));
  }

  /** pause takes a break, or ends it. */
  async pause(): Promise<void> {
    const agent = this.data.agent;
    if (agent?.state === 'not_ready' || agent?.ready === false) await this.setState('ready');
    else await this.setState('not_ready', this.config.reasons?.[0]?.id ?? 'break');
  }

  async accept(offer: Offer): Promise<void> {
    if (this.busy === offer.id || offer.phone) return;
    this.busy = offer.id;
    this.#accepting = offer.channel === 'voice';
    this.#sound();
    this.#useLine();
    const ok = await this.#try(async () => {
      const { contact } = await api.accept(offer.id);
      this.chosen = contact;
      this.panel = 'none';
      this.wantsFocus++;
      this.page = 'desk';
      if (offer.channel === 'voice') this.status = this.t.call.connected;
    }, () => this.t.offer.gone);
    if (!ok) this.data = { ...this.data, offers: this.data.offers.filter((o) => o.id !== offer.id) };
    this.busy = '';
    // The contact's frame may come a moment after the answer.
    setTimeout(() => {
      this.#accepting = false;
      this.#useLine();
    }, 1_500);
  }

  async decline(offer: Offer): Promise<void> {
    await this.#try(async () => {
      await api.reject(offer.id, 'busy');
      this.status = this.t.offer.declined;
    }, () => this.t.offer.gone);
  }

  /**
   * command sends one command after the other, as the keys were pressed. The end waits for those
   * before it too, so that a reason marked as wrong still counts, but not for a server that hangs.
   */
  command(contact: Contact, verb: Verb, more: { digits?: string; to?: To } = {}): Promise<void> {
    const key = `${contact.id} ${verb}`;
    if (once.has(verb) && this.#under.has(key)) return this.#commands; // pressed twice
    this.#under.add(key);
    if (verb === 'drop') this.#dropping = contact.id;
    this.#hands(contact, verb, more.to);
    const wish = verb === 'mute' || verb === 'unmute' ? this.#wishMuted(contact, verb === 'mute') : null;
    const send = async () => {
      const done = await this.#command(contact, verb, more);
      this.#under.delete(key);
      if (wish) this.#settleMuted(wish, done);
    };
    const before = verb === 'hangup' ? Promise.race([this.#commands, new Promise<void>((go) => setTimeout(go, endWaits))]) : this.#commands;
    this.#commands = before.then(send, send);
    return this.#commands;
  }

  #hands(contact: Contact, verb: Verb, to?: To): void {
    const consult = callOf(contact).consult;
    if (verb === 'transfer' && to) this.#handed = { contact: contact.id, to: this.toName(to) };
    else if (verb === 'complete' && consult) this.#handed = { contact: contact.id, to: this.toName(consult.to, consult.name) };
  }

  async #command(contact: Contact, verb: Verb, more: { digits?: string; to?: To }): Promise<boolean> {
    const done = await this.#try(() => api.command(contact.id, verb, more), (e) => this.#refused(e, verb, more.to));
    if (!done) return false;
    const said: Partial<Record<Verb, string>> = {
      hold: this.t.call.onHold,
      resume: this.t.call.resumed,
      mute: this.t.call.muted,
      unmute: this.t.call.unmuted,
      wrong_reason: this.t.call.wrongDone,
    };
    if (said[verb]) this.status = said[verb];
    if (leaves.has(verb) || picks.has(verb)) this.wantsFocus++;
    if (picks.has(verb)) this.#picked(more.to);
    return true;
  }

  /** picked closes the picker and remembers who was chosen. */
  #picked(to: To | undefined): void {
    this.panel = 'none';
    if (!to || !this.session) return;
    remember(this.session.user, targetKey(to));
  }

  /** The microphone closes at once; the server and its word come after. */
  #wishMuted(contact: Contact, muted: boolean): Wish {
    const wish = { contact: contact.id, muted };
    this.#muting = wish;
    this.#useLine();
    return wish;
  }

  #settleMuted(wish: Wish, done: boolean): void {
    if (this.#muting !== wish) return; // there is a newer one
    const { contact, muted } = wish;
    if (done) this.data = { ...this.data, contacts: this.data.contacts.map((c) => (c.id === contact ? withMuted(c, muted) : c)) };
    this.#muting = null;
    this.#useLine();
  }

  /** refused says why a command on a call was not done. */
  #refused(e: Failure, verb: Verb, to?: To): string {
    const t = this.t.refused;
    if (e.code === 'no_target') return t.noTarget(to ? this.toName(to) : '');
    if (e.code === 'bad_request' && to?.number) return t.noNumber;
    if (e.code === 'not_possible') return verb.startsWith('record') ? t.noRecording : t.notPossible;
    return t.code[e.code] ?? this.t.call.failed;
  }

  /** loadDirectory asks to whom a call can go; the last answer stays while it does. */
  async loadDirectory(): Promise<void> {
    try {
      this.directory = await api.directory();
    } catch (e) {
      if (e instanceof Failure && e.status === 401) this.#over();
      else if (!this.directory) this.problem = this.t.transfer.noDirectory;
    }
  }

  /** follow joins a call of an agent, changes how, or leaves it. */
  async follow(contact: string, mode: MonitorMode | 'off'): Promise<void> {
    const key = `${contact} monitor`;
    if (this.#under.has(key)) return;
    this.#under.add(key);
    await this.#try(() => api.monitor(contact, mode), (e) => this.t.monitor.refused[e.code] ?? this.t.call.failed);
    this.#under.delete(key);
  }

  async verify(contact: Contact, method: string): Promise<void> {
    await this.#try(async () => {
      const view = await api.verify(contact.id, method);
      this.data = { ...this.data, ...changeView(this.data, contact.id, () => view) };
      this.panel = 'none';
      this.status = this.t.verify.done;
      this.wantsFocus++;
    }, () => this.t.call.failed);
  }

  async loadEarlier(contact: Contact): Promise<void> {
    const first = contact.view.events?.[0];
    if (!first) return;
    await this.#try(async () => {
      const page = await api.earlier(contact.id, first.id);
      this.data = { ...this.data, ...changeView(this.data, contact.id, (v) => addEarlier(v, page)) };
    }, () => this.t.call.failed);
  }

  async markAnswered(contact: Contact, event: ThreadEvent): Promise<void> {
    await this.#try(async () => {
      await api.answered(contact.id, event.id);
      this.data = { ...this.data, ...changeView(this.data, contact.id, (v) => addEvent(v, { ...event, answered: true })) };
    }, () => this.t.call.failed);
  }

  async reply(contact: Contact, close: boolean): Promise<void> {
    const body = this.drafts.reply(contact.id).trim();
    if (!body || this.busy === contact.id) return;
    this.busy = contact.id;
    await this.#try(async () => {
      const { event } = await api.reply(contact.id, body, close);
      this.drafts.setReply(contact.id, '');
      if (event) this.data = { ...this.data, ...changeView(this.data, contact.id, (v) => addEvent(v, event)) };
      this.status = this.t.reply.sent;
    }, () => this.t.reply.failed);
    this.busy = '';
  }

  async extend(contact: Contact): Promise<void> {
    await this.#try(() => api.extend(contact.id, 60_000), () => this.t.call.failed);
  }

  /** saveWrapUp ends the wrap-up and takes the state that the agent wants next. */
  async saveWrapUp(contact: Contact, then: 'ready' | 'break' | 'none'): Promise<void> {
    const w = this.drafts.wrapUp(contact.id);
    if (!w.disposition && then !== 'none') {
      this.problem = this.t.wrap.need;
      this.alert = this.t.wrap.need;
      return;
    }
    if (this.#saving.has(contact.id)) return;
    this.#saving.add(contact.id);
    await this.#try(async () => {
      if (then === 'break') await api.setState('not_ready', this.config.reasons?.[0]?.id ?? 'break');
      await api.wrapUp(contact.id, w.disposition, w.note.trim(), w.answered);
      this.drafts.forget(contact.id);
      this.#wasClosed(contact);
      this.data = { ...this.data, contacts: this.data.contacts.filter((c) => c.id !== contact.id) };
      this.status = this.t.wrap.saved;
      this.panel = 'none';
      this.#selectAgain(this.data, this.data);
      if (then === 'ready' && (this.data.agent?.state === 'not_ready' || this.data.agent?.ready === false)) await api.setState('ready');
    }, () => this.t.call.failed);
    this.#saving.delete(contact.id);
  }

  takeLine(): void {
    this.#line?.retry();
  }

  hear(): void {
    this.#line?.hear();
  }

  /** try runs a command; a failure is shown and said in the words given. */
  async #try(what: () => Promise<void>, words: (e: Failure) => string): Promise<boolean> {
    this.problem = '';
    try {
      await what();
      return true;
    } catch (e) {
      if (!(e instanceof Failure)) throw e;
      if (e.status === 401) {
        this.#over();
        return false;
      }
      this.problem = words(e);
      this.alert = this.problem;
      return false;
    }
  }
}

const rank = (c: Contact): number => (c.channel === 'voice' ? (c.state === 'connected' ? 0 : 1) : 2);

/** urgency sorts contacts: the call, its wrap-up, then by deadline. */
export function urgency(a: Contact, b: Contact): number {
  const due = (c: Contact) => Date.parse(c.deadline ?? c.since);
  return rank(a) - rank(b) || due(a) - due(b) || (a.id < b.id ? -1 : 1);
}

export const channelOrder: Channel[] = ['voice', 'email', 'sms', 'web'];

declare global {
  interface Window {
    /** For measuring only: the voice line of this tab. */
    __filo?: { readonly line: { readonly stream: MediaStream | null; readonly state: string } };
  }
}
