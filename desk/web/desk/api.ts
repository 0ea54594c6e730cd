// The desk's HTTP API, typed. It mirrors ../../API.md: names and meaning are documented there.

import type { Ladder } from './ladder';

export type Lang = 'en' | 'it';
export type Time = string; // RFC 3339, UTC
export type Words = Record<string, string>; // by language
export type Lines = Record<string, string[]>; // by language

export type Role = 'agent' | 'supervisor' | 'admin';
export type Channel = 'voice' | 'email' | 'sms' | 'web';
export type AgentStateName = 'logged_out' | 'not_ready' | 'ready' | 'reserved' | 'busy' | 'wrap_up';

export interface LineAccess {
  ws: string;
  domain: string;
  user: string;
  password: string;
  uri: string;
}

export interface Session {
  user: string;
  name: string;
  role: Role;
  lang: string;
  csrf: string;
  line: LineAccess | null;
  phone?: boolean;
  now: Time;
}

export interface Agent {
  id: string;
  name: string;
  state: AgentStateName;
  ready?: boolean; // what was asked for: a busy agent may be not ready next
  reason: string;
  since: Time;
  capacity: Partial<Record<Channel, [used: number, max: number]>> | null;
}

export type RecordingState = 'off' | 'on' | 'paused';
export type ConsultStage = 'ringing' | 'talking' | 'held' | 'conference';
export type MonitorMode = 'listen' | 'whisper' | 'barge';

/** To is where a call goes, or who is consulted: one of the three. */
export interface To {
  agent?: string;
  queue?: string;
  number?: string;
}

/** Consult is the consultation that this agent has begun. */
export interface Consult {
  to: To;
  name: string; // of who was found; empty for a number, and for a queue until somebody was
  state: ConsultStage;
}

/** Call is how a connected call stands. */
export interface Call {
  hold: boolean;
  muted: boolean;
  line_lost: boolean;
  recording: RecordingState;
  consult: Consult | null;
  monitor: { mode: MonitorMode; name: string } | null; // a supervisor on this call
}

/** ConsultOf marks a contact that is a colleague's wish for help with a contact of theirs. */
export interface ConsultOf {
  contact: string;
  by: string;
  name: string;
}

/** Monitor is the call that a supervisor's line follows. */
export interface Monitor {
  contact: string;
  mode: MonitorMode | 'off';
  agent: string; // name
}

export interface Colleague {
  id: string;
  name: string;
  state: AgentStateName;
}

export interface Directory {
  agents: Colleague[] | null;
  queues: { id: string; label: Words | null }[] | null;
  numbers: boolean; // whether outside numbers may be dialled
}

export interface Skipped {
  rule: string;
  confidence: number;
  age_ms: number;
  digits: string[] | null;
}

export interface Why {
  offer: string;
  key: string;
  considered: number;
  took: number; // ns
  waited: number; // ns
  agents: WhyAgent[] | null;
  more: number;
}

export interface WhyAgent {
  agent: string;
  name: string;
  skills: { name: string; level: number }[] | null;
  idle: number; // ns
  load: number;
  verdict: string;
}

export interface Field {
  name: string;
  value?: string;
}

export interface WebStep {
  page?: string;
  form?: string;
  step?: string;
  step_no?: number;
  steps?: number;
  at: Time;
  filled: Field[] | null;
  empty: string[] | null;
  cart: { name: string; price: string }[] | null;
  total?: string;
  currency?: string;
  errors?: string[] | null;
}

export interface Headline {
  who?: string;
  reason?: string;
  stage?: string;
  step_no?: number;
  steps?: number;
  stopped_at?: Time | null;
  value?: string;
  currency?: string;
  unanswered?: { event: string; channel: Channel; subject?: string; since: Time } | null;
}

export interface View {
  tier: string;
  name?: string;
  phone?: string;
  email?: string;
  lang?: string;
  proof: { kind: string; confidence: number; at: Time; counts: boolean }[] | null;
  channels: number;
  since?: Time | null;
  last_web?: WebStep | null;
  goal?: { name: string; opened_at: Time; contacts: number; reached?: Time | null } | null;
  cases: { id: string; title: string; owner?: string; opened_at: Time; state: string }[] | null;
  health: { good: boolean; code: string; text?: string; at: Time }[] | null;
  events: ThreadEvent[] | null;
  earlier: number;
  closed?: string[] | null;
  sentence: Words | null;
  headline: Headline;
}

export interface ThreadEvent {
  id: string;
  at: Time;
  channel: Channel;
  dir: 'in' | 'out' | 'indirect';
  kind: string;
  title?: string;
  text?: string;
  body?: string;
  attrs?: Record<string, string> | null;
  contact?: string;
  answered: boolean;
  closed?: boolean;
}

export interface Offer {
  id: string;
  contact: string;
  channel: Channel;
  queue: string;
  queue_label: Words | null;
  expires: Time;
  timeout_ms: number;
  subject: string;
  peer: string;
  view: View;
  why?: Why | null;
  why_text: Lines | null;
  skipped: Skipped | null;
  next: string;
  phone: boolean;
  consult?: ConsultOf | null;
}

export interface Contact {
  id: string;
  channel: Channel;
  state: 'connected' | 'wrap_up';
  queue: string;
  queue_label: Words | null;
  since: Time;
  subject: string;
  peer: string;
  view: View;
  why_text: Lines | null;
  skipped: Skipped | null;
  hold: boolean;
  muted: boolean;
  wrap_up_ends: Time | null;
  deadline: Time | null;
  reply: { to: string; subject: string; max: number } | null;
  line_lost: boolean;
  call?: Call | null; // while a call is connected
  consult?: ConsultOf | null;
}

export interface Queue {
  id: string;
  label: Words | null;
  waiting: number;
  longest_ms: number;
}

export interface FloorQueue {
  id: string;
  label: Words | null;
  waiting: { contact: string; channel: Channel; since: Time; deadline: Time }[] | null;
  target_ms: number;
  in_time: number; // 0..1, negative when nothing was answered
  lost: number; // 0..1
  ready: number;
  on: number;
}

export interface FloorContact {
  contact: string;
  channel: Channel;
  state: 'connected' | 'wrap_up';
  queue: string;
  since: Time;
  consult?: boolean; // helps with somebody else's call
}

export interface FloorAgent {
  id: string;
  name: string;
  state: AgentStateName;
  reason: string;
  since: Time;
  contacts: FloorContact[] | null;
  skills: Record<string, number> | null;
}

export interface ServiceLevel {
  value: number;
  target: number;
  answered: number;
  in_time: number;
  abandoned: number;
  short: number;
  variants: Record<string, number> | null;
}

export interface Decision {
  offer: string;
  contact: string;
  agent: string;
  name: string;
  queue: string;
  at: Time;
  why: Why;
  why_text: Lines | null;
}

export interface Floor {
  queues: FloorQueue[] | null;
  agents: FloorAgent[] | null;
  sl: ServiceLevel | null;
  decisions: Decision[] | null;
}

export interface Choice {
  id: string;
  label: Words;
}

export interface Config {
  dispositions: Choice[] | null;
  reasons: Choice[] | null;
  languages: string[] | null;
  demo: boolean;
  recording?: boolean; // false where calls cannot be recorded
}

export interface Snapshot {
  agent: Agent | null;
  offers: Offer[] | null;
  contacts: Contact[] | null;
  queues: Queue[] | null;
  monitor?: Monitor | null;
  now: Time;
}

export type GoneReason = 'accepted' | 'expired' | 'withdrawn' | 'rejected';

export type Frame =
  | { seq: number; type: 'snapshot'; data: Snapshot }
  | { seq: number; type: 'agent'; data: Agent }
  | { seq: number; type: 'offer'; data: Offer }
  | { seq: number; type: 'offer_gone'; data: { offer: string; contact: string; reason: GoneReason } }
  | { seq: number; type: 'contact'; data: Contact }
  | { seq: number; type: 'contact_gone'; data: { contact: string } }
  | { seq: number; type: 'thread'; data: { contact: string; event: ThreadEvent } }
  | { seq: number; type: 'view'; data: { contact: string; view: View } }
  | { seq: number; type: 'queues'; data: Queue[] | null }
  | { seq: number; type: 'floor'; data: Floor }
  | { seq: number; type: 'line'; data: { up: boolean } }
  | { seq: number; type: 'monitor'; data: Monitor }
  | { seq?: number; type: 'pong'; data?: unknown };

export type Verb =
  | 'hold'
  | 'resume'
  | 'mute'
  | 'unmute'
  | 'hangup'
  | 'digits'
  | 'wrong_reason'
  | 'transfer'
  | 'consult'
  | 'swap'
  | 'conference'
  | 'complete'
  | 'drop'
  | 'record'
  | 'record_pause'
  | 'record_resume'
  | 'record_stop';

/** Failure is an answer of the server that is not 2xx, or no answer at all (status 0). */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let csrf = '';

/** useToken sets the token that every changing request carries. */
export function useToken(token: string): void {
  csrf = token;
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrf) headers['X-Filo-CSRF'] = csrf;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new Failure(0, 'unreachable', 'no answer');
  }
  const text = await answer.text();
  const data = parse(text);
  if (!answer.ok) {
    const error = (data as { error?: { code?: string; message?: string } } | undefined)?.error;
    throw new Failure(answer.status, error?.code ?? String(answer.status), error?.message ?? answer.statusText);
  }
  return data as T;
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

const id = encodeURIComponent;

export const api = {
  session: () => request<Session>('GET', '/api/session'),
  signIn: (user: string, password: string) => request<Session>('POST', '/api/session', { user, password }),
  signOut: () => request<void>('DELETE', '/api/session'),
  config: () => request<Config>('GET', '/api/config'),
  floor: () => request<Floor>('GET', '/api/floor'),
  setState: (state: 'ready' | 'not_ready', reason?: string) =>
    request<void>('POST', '/api/agent/state', reason ? { state, reason } : { state }),
  accept: (offer: string) => request<{ contact: string }>('POST', `/api/offers/${id(offer)}/accept`, {}),
  reject: (offer: string, reason: string) => request<void>('POST', `/api/offers/${id(offer)}/reject`, { reason }),
  command: (contact: string, verb: Verb, more: { digits?: string; to?: To } = {}) =>
    request<void>('POST', `/api/contacts/${id(contact)}/command`, { verb, ...more }),
  monitor: (contact: string, mode: MonitorMode | 'off') => request<void>('POST', `/api/contacts/${id(contact)}/monitor`, { mode }),
  directory: () => request<Directory>('GET', '/api/directory'),
  verify: (contact: string, method: string) =>
    request<View>('POST', `/api/contacts/${id(contact)}/verify`, { method }),
  reply: (contact: string, body: string, close: boolean) =>
    request<{ event: ThreadEvent }>('POST', `/api/contacts/${id(contact)}/reply`, { body, close }),
  wrapUp: (contact: string, disposition: string, note: string, answered: string[]) =>
    request<void>('POST', `/api/contacts/${id(contact)}/wrapup`, { disposition, note, answered }),
  extend: (contact: string, ms: number) => request<void>('POST', `/api/contacts/${id(contact)}/wrapup/extend`, { ms }),
  answered: (contact: string, event: string) =>
    request<void>('POST', `/api/contacts/${id(contact)}/answered`, { event }),
  earlier: (contact: string, before: string) =>
    request<View>('GET', `/api/contacts/${id(contact)}/thread?before=${id(before)}&limit=50`),
  ladder: (contact: string) => request<Ladder>('GET', `/api/contacts/${id(contact)}/trace`),
  captureURL: (contact: string) => `/api/contacts/${id(contact)}/trace.pcap`,
  contentURL: (contact: string, ref: string) => `/api/contacts/${id(contact)}/content/${id(ref)}`,
};
