// The thread as rows: days, and events with what belongs to them folded in. Pure.

import type { Channel, ThreadEvent, View } from './api';
import { daysBetween, words } from './format';
import type { Strings } from './i18n/en';

export type Texture = 'call' | 'mail' | 'sms' | 'web';

export interface DayRow {
  row: 'day';
  key: string;
  at: number;
  from: number | null; // time of the event before, null at the beginning
  texture: Texture | null;
}

export interface EventRow {
  row: 'event';
  key: string;
  event: ThreadEvent;
  at: number;
  texture: Texture;
  during: boolean; // it happened while the present call goes on
  present: boolean; // it is the present contact itself
  last: boolean;
  pages: ThreadEvent[]; // page views folded into this row
  steps: ThreadEvent[]; // earlier steps of the same form folded into this row
  errors: string[]; // messages of errors folded into this row
}

export type Row = DayRow | EventRow;

export interface RowOptions {
  direct: boolean; // only what was said, not what was seen
  now: number;
  contact?: string; // the present contact
  presentIs?: Channel; // its channel
  callSince?: number | null; // when the present call was connected
}

const textures: Record<Channel, Texture> = { voice: 'call', email: 'mail', sms: 'sms', web: 'web' };

export function textureOf(channel: Channel): Texture {
  return textures[channel] ?? 'web';
}

/** threadRows lays out the events of a view, oldest first. */
export function threadRows(view: View, options: RowOptions): Row[] {
  const rows: Row[] = [];
  const events = (view.events ?? []).filter((e) => !options.direct || e.dir !== 'indirect');
  const present = presentEvent(events, options);
  const calls = talks(events);
  let last: EventRow | undefined;
  for (const event of events) {
    const at = Date.parse(event.at);
    const during = event.channel !== 'voice' && ((options.callSince != null && at >= options.callSince) || calls.some((c) => at >= c.from && at <= c.to));
    if (last && folds(last, event, at, during)) continue;
    if (!last || daysBetween(last.at, at) !== 0) {
      rows.push({ row: 'day', key: `day-${event.id}`, at, from: last?.at ?? null, texture: last?.texture ?? null });
    }
    last = {
      row: 'event',
      key: event.id,
      event,
      at,
      texture: textureOf(event.channel),
      during,
      present: event.id === present,
      last: false,
      pages: [],
      steps: [],
      errors: [],
    };
    rows.push(last);
  }
  if (last) last.last = true;
  return rows;
}

/** talks are the calls on the thread, from their beginning to their end. */
function talks(events: ThreadEvent[]): { from: number; to: number }[] {
  return events
    .filter((e) => e.kind === 'call' && Number(e.attrs?.['talk']) > 0)
    .map((e) => ({ from: Date.parse(e.at), to: Date.parse(e.at) + Number(e.attrs?.['talk']) * 1000 }));
}

/** presentEvent is the message that a message contact is about: its newest inbound one. */
function presentEvent(events: ThreadEvent[], o: RowOptions): string | undefined {
  if (!o.contact || o.presentIs === 'voice') return undefined;
  return events.findLast((e) => e.contact === o.contact && e.dir === 'in')?.id ?? events.findLast((e) => e.channel === o.presentIs && e.dir === 'in')?.id;
}

const run = 30 * 60_000; // one visit

/** folds puts a web event into the row before it, when it is one visit, and tells whether it did. */
function folds(row: EventRow, event: ThreadEvent, at: number, during: boolean): boolean {
  const before = row.event;
  if (before.channel !== 'web' || event.channel !== 'web' || row.during !== during) return false;
  if (at - row.at > run || daysBetween(row.at, at) !== 0) return false;
  if (event.kind === 'page') {
    if (before.kind === 'page') {
      become(row, event, at, 'pages');
      return true;
    }
    if (isStep(before)) {
      row.pages.push(event);
      return true;
    }
    return false;
  }
  if (event.kind === 'error' && isStep(before)) {
    const message = event.attrs?.['message'] ?? event.text ?? '';
    if (message && !row.errors.includes(message)) row.errors.push(message);
    return true;
  }
  if (!isStep(event)) return false;
  if (before.kind === 'page') {
    become(row, event, at, 'pages');
    return true;
  }
  if (isStep(before) && before.attrs?.['form'] === event.attrs?.['form']) {
    if (before.attrs?.['step'] !== event.attrs?.['step']) row.errors = [];
    become(row, event, at, 'steps');
    return true;
  }
  return false;
}

function become(row: EventRow, event: ThreadEvent, at: number, fold: 'pages' | 'steps'): void {
  row[fold].push(row.event);
  row.event = event;
  row.at = at;
  row.key = event.id;
}

export function isStep(e: ThreadEvent): boolean {
  return e.kind === 'step' || e.kind === 'form_abandoned';
}

export interface FormStep {
  name: string;
  state: 'done' | 'here' | 'todo';
}

const known: Record<string, string[]> = { checkout: ['cart', 'delivery', 'payment', 'confirm'] };

/** stageName is a step's or stage's name as people say it. */
export function stageName(t: Strings, code: string | undefined): string {
  if (!code) return '';
  return t.stage[code] ?? words(code).toLowerCase();
}

/** atStage is "at payment". */
export function atStage(t: Strings, code: string | undefined): string {
  return (code && t.thread.atStage[code]) || t.thread.at(stageName(t, code));
}

export function formName(t: Strings, code: string | undefined): string {
  return code ? (t.form[code] ?? words(code)) : t.thread.word['web']!;
}

/** formSteps lays out a form's steps round the one that was reached. */
export function formSteps(t: Strings, form: string | undefined, step: string | undefined, no: number, of: number, passed: ThreadEvent[] = []): FormStep[] {
  if (!no || !of || of > 12) return [];
  const names = new Map<number, string>();
  const usual = form ? known[form] : undefined;
  if (usual?.length === of) usual.forEach((name, i) => names.set(i + 1, name));
  for (const e of passed) {
    const n = Number(e.attrs?.['step_no']);
    if (n && e.attrs?.['step']) names.set(n, e.attrs['step']);
  }
  if (step) names.set(no, step);
  return Array.from({ length: of }, (_, i) => {
    const code = names.get(i + 1);
    const name = code ? capital(stageName(t, code)) : t.thread.stepNo(i + 1);
    return { name, state: i + 1 < no ? 'done' : i + 1 === no ? 'here' : 'todo' };
  });
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** unansweredIds are the messages of the customer that wait for an answer, oldest first. */
export function unansweredMessages(view: View): ThreadEvent[] {
  const events = view.events ?? [];
  return events.filter(
    (e, i) =>
      e.kind === 'message' &&
      e.dir === 'in' &&
      !e.answered &&
      !events.slice(i + 1).some((later) => later.kind === 'message' && later.dir === 'out' && later.channel === e.channel),
  );
}
