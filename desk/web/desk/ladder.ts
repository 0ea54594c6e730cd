// The ladder of a call as GET /api/contacts/{id}/trace answers it, and what the screen says of it.

import type { Strings } from './i18n';
import type { Time } from './api';
import { number } from './format';

export interface LadderParty {
  role: string;
  name?: string;
  user?: string;
  address?: string;
  network?: string;
}

export interface LadderLeg {
  call_id: string;
  party: number;
  overwritten: boolean;
  before?: number;
  messages: number;
}

export interface LadderMedia {
  kind: string;
  port: number;
  profile: string;
  codecs: string[] | null;
  class?: string;
  direction: string;
}

export interface LadderRow {
  at: Time;
  ms: number;
  kind: 'request' | 'response' | 'event' | 'broken';
  leg: number;
  from: number;
  to: number;
  text: string;
  method?: string;
  code?: number;
  again?: number;
  sdp?: { media: LadderMedia[] } | null;
  cut?: boolean;
  data?: string;
}

export interface Ladder {
  id: string;
  contact?: string;
  start: Time;
  overwritten: boolean;
  omitted?: number;
  parties: LadderParty[] | null;
  legs: LadderLeg[] | null;
  rows: LadderRow[] | null;
}

/** partyName is what stands above a column. */
export function partyName(t: Strings, p: LadderParty | undefined): string {
  if (!p) return '';
  return [t.trace.role[p.role] ?? p.role, p.name].filter(Boolean).join(' ');
}

/** offset is the time since the first row, in seconds. */
export function offset(t: Strings, ms: number): string {
  return number(t, ms / 1000, 3);
}

/** label is what stands on an arrow or beside an event. */
export function label(t: Strings, row: LadderRow): string {
  if (row.kind === 'event') return noteWords(t, row.text);
  if (row.kind === 'broken') return t.trace.broken;
  if (row.kind === 'response' && row.method) return `${row.text} (${row.method})`;
  return row.text;
}

/** plain are the events that are about words, not about somebody or something with a name. */
const plain = new Set(['transfer', 'consult', 'consulting', 'monitor', 'recording', 'ended']);

/** noteWords translates what voice noted, "queued: checkout"; words that are not known stay. */
export function noteWords(t: Strings, text: string): string {
  const [what, about] = text.split(': ', 2) as [string, string?];
  const more = about && plain.has(what) ? about.split(' ').map((w) => t.trace.about[w] ?? w).join(' ') : about;
  return [t.trace.note[what] ?? what, more].filter(Boolean).join(' ');
}

/** sdpWords is a session description in short: "PCMA, PCMU, private address, sends only". */
export function sdpWords(t: Strings, row: LadderRow): string {
  return (row.sdp?.media ?? []).map((m) => mediaWords(t, m)).join(' + ');
}

function mediaWords(t: Strings, m: LadderMedia): string {
  const codecs = (m.codecs ?? []).map((c) => (c === 'telephone-event' ? 'DTMF' : c)).join(', ');
  const parts = [m.kind === 'audio' ? codecs : `${m.kind} ${codecs}`.trim()];
  if (m.port === 0) parts.push(t.trace.refused);
  else parts.push(t.trace.place[m.class ?? ''] ?? '', t.trace.direction[m.direction] ?? '');
  if (m.profile.includes('SAVP')) parts.push(t.trace.encrypted);
  return parts.filter(Boolean).join(', ');
}

/** spoken is a row as one sentence, for who does not see the arrows. */
export function spoken(t: Strings, ladder: Ladder, row: LadderRow): string {
  const name = (i: number) => partyName(t, ladder.parties?.[i]);
  const what = [label(t, row), sdpWords(t, row), row.again ? t.trace.again(row.again) : '', row.cut ? t.trace.cut : ''].filter(Boolean).join(', ');
  const said = row.kind === 'event' ? t.trace.at(name(row.from), what) : t.trace.fromTo(name(row.from), name(row.to), what);
  return `${t.trace.seconds(offset(t, row.ms))}, ${said}`;
}

/** failed tells whether a response refuses. */
export function failed(row: LadderRow): boolean {
  return row.kind === 'broken' || (row.code ?? 0) >= 400;
}
