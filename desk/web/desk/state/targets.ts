// To whom a call can go: the directory in the order in which it is likely to be wanted
// for this call. Who knows this customer comes first, then who was called lately. Pure.

import type { AgentStateName, Directory, Lang, Queue, To, View } from '../api';
import { shortDate } from '../format';
import { pick, type Strings } from '../i18n';
import { targetKey } from './call';

export interface Target {
  key: string;
  to: To;
  name: string;
  state: AgentStateName | null; // of an agent
  about: string; // why it is near, or how it stands
  can: boolean;
}

export interface TargetGroup {
  id: 'likely' | 'agents' | 'queues' | 'number';
  targets: Target[];
}

export interface Around {
  view: View;
  queue: string; // where the call comes from
  queues: Queue[]; // as far as they are known
  recent: string[]; // keys, the newest first
  lang: Lang;
  t: Strings;
  now: number;
}

const mostLikely = 4;
const order: AgentStateName[] = ['ready', 'reserved', 'wrap_up', 'busy', 'not_ready', 'logged_out'];

/** targetGroups lists what a query finds, in groups; empty groups are left out. */
export function targetGroups(directory: Directory, around: Around, query: string): TargetGroup[] {
  const all = [...agents(directory, around), ...queues(directory, around)];
  const scores = new Map(all.map((x) => [x.key, score(x, around)]));
  const near = all
    .filter((x) => x.can && scores.get(x.key)! > 0)
    .sort((a, b) => scores.get(b.key)! - scores.get(a.key)!)
    .slice(0, mostLikely);
  const rest = all.filter((x) => !near.includes(x));
  const number = directory.numbers ? dialable(query) : '';
  const groups: TargetGroup[] = [
    { id: 'likely', targets: near },
    { id: 'agents', targets: rest.filter((x) => x.to.agent) },
    { id: 'queues', targets: rest.filter((x) => x.to.queue) },
    { id: 'number', targets: number ? [{ key: `number:${number}`, to: { number }, name: spaced(query), state: null, about: around.t.transfer.outside, can: true }] : [] },
  ];
  return groups.map((g) => ({ ...g, targets: g.id === 'number' ? g.targets : g.targets.filter((x) => matches(x, query)) })).filter((g) => g.targets.length > 0);
}

function agents(directory: Directory, around: Around): Target[] {
  return (directory.agents ?? [])
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.name.localeCompare(b.name, around.t.locale))
    .map((a) => ({ key: `agent:${a.id}`, to: { agent: a.id }, name: a.name, state: a.state, about: knows(a, around), can: a.state !== 'logged_out' }));
}

function queues(directory: Directory, { queues: known, queue, lang, t }: Around): Target[] {
  return (directory.queues ?? []).map((q) => {
    const waiting = known.find((k) => k.id === q.id)?.waiting;
    const about = [q.id === queue ? t.transfer.fromHere : '', waiting === undefined ? '' : t.transfer.waiting(waiting)].filter(Boolean).join(', ');
    return { key: targetKey({ queue: q.id }), to: { queue: q.id }, name: pick(q.label, lang, q.id), state: null, about, can: true };
  });
}

/** knows says what a colleague has to do with this customer. */
function knows(a: { id: string; name: string }, { view, t, now }: Around): string {
  if (ownsCase(a, view)) return t.transfer.ownsCase;
  const talk = talked(a, view);
  return talk ? t.transfer.talked(shortDate(t, Date.parse(talk), now)) : '';
}

function ownsCase(a: { id: string; name: string }, view: View): boolean {
  return (view.cases ?? []).some((c) => c.state !== 'closed' && (c.owner === a.name || c.owner === a.id));
}

function talked(a: { id: string; name: string }, view: View): string | undefined {
  return (view.events ?? []).findLast((e) => e.kind === 'call' && [a.id, a.name].includes(e.attrs?.['agent'] ?? ''))?.at;
}

function score(x: Target, { view, recent }: Around): number {
  const a = { id: x.to.agent ?? '', name: x.name };
  const place = recent.indexOf(x.key);
  const lately = place < 0 ? 0 : 100 - place;
  if (!x.to.agent) return lately;
  return (ownsCase(a, view) ? 400 : 0) + (talked(a, view) ? 200 : 0) + lately;
}

const plain = (s: string): string => s.toLowerCase().normalize('NFD').replaceAll(/\p{M}/gu, '');

function matches(x: Target, query: string): boolean {
  const parts = plain(query).split(/\s+/).filter(Boolean);
  return parts.every((p) => plain(`${x.name} ${x.to.agent ?? x.to.queue ?? ''}`).includes(p));
}

/** dialable is a typed number as it is dialled, "" when it is none. */
export function dialable(typed: string): string {
  const number = typed.replaceAll(/[\s().\-/]/g, '');
  return /^\+?[0-9]{2,20}$/.test(number) ? number : '';
}

function spaced(typed: string): string {
  return typed.trim().replaceAll(/\s+/g, ' ');
}
