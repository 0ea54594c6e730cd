// What the desk knows, and how each frame of the event socket changes it. Pure: no clock,
// no I/O; a frame in, a new state out, unchanged parts shared.

import type { Agent, Contact, Floor, Frame, Monitor, Offer, Queue, ThreadEvent, View } from '../api';

export interface DeskState {
  seq: number;
  known: boolean; // a snapshot has come
  agent: Agent | null;
  offers: Offer[];
  contacts: Contact[];
  queues: Queue[];
  queuesAt: number; // client clock, ms: when queues came, to count on from there
  floor: Floor | null;
  floorAt: number;
  monitor: Monitor | null; // the call that a supervisor follows
  lineUp: boolean | null; // what the server sees; null until it said
  skew: number; // server clock minus client clock, ms
  fresh: Record<string, number>; // event id -> server ms when it came live
  gone: { offer: string; contact: string; reason: string } | null; // the last offer that went
}

export const nothing: DeskState = {
  seq: 0,
  known: false,
  agent: null,
  offers: [],
  contacts: [],
  queues: [],
  queuesAt: 0,
  floor: null,
  floorAt: 0,
  monitor: null,
  lineUp: null,
  skew: 0,
  fresh: {},
  gone: null,
};

/** apply returns the state after one frame that came at `now` (client clock, ms). */
export function apply(state: DeskState, frame: Frame, now: number): DeskState {
  const s = typeof frame.seq === 'number' && frame.seq > 0 ? { ...state, seq: frame.seq } : state;
  switch (frame.type) {
    case 'snapshot':
      return {
        ...s,
        known: true,
        agent: frame.data.agent,
        offers: frame.data.offers ?? [],
        contacts: keepEarlier(s.contacts, frame.data.contacts ?? []),
        queues: frame.data.queues ?? [],
        queuesAt: now,
        monitor: followed(frame.data.monitor),
        skew: Date.parse(frame.data.now) - now,
        fresh: {},
      };
    case 'agent':
      return { ...s, agent: frame.data };
    case 'offer':
      return { ...s, offers: put(s.offers, frame.data) };
    case 'offer_gone':
      return { ...s, offers: s.offers.filter((o) => o.id !== frame.data.offer), gone: frame.data };
    case 'contact':
      return {
        ...s,
        contacts: put(s.contacts, withEarlier(s.contacts.find((c) => c.id === frame.data.id)?.view, frame.data)),
      };
    case 'contact_gone':
      return { ...s, contacts: s.contacts.filter((c) => c.id !== frame.data.contact) };
    case 'thread':
      return {
        ...s,
        ...changeView(s, frame.data.contact, (v) => addEvent(v, frame.data.event)),
        fresh: { ...s.fresh, [frame.data.event.id]: now + s.skew },
      };
    case 'view':
      return { ...s, ...changeView(s, frame.data.contact, (v) => mergeView(v, frame.data.view)) };
    case 'queues':
      return { ...s, queues: frame.data ?? [], queuesAt: now };
    case 'floor':
      return { ...s, floor: frame.data, floorAt: now };
    case 'line':
      return { ...s, lineUp: frame.data.up };
    case 'monitor':
      return { ...s, monitor: followed(frame.data) };
    default:
      return s;
  }
}

function followed(m: Monitor | null | undefined): Monitor | null {
  return m && m.mode !== 'off' ? m : null;
}

function put<T extends { id: string }>(list: T[], item: T): T[] {
  const at = list.findIndex((x) => x.id === item.id);
  return at < 0 ? [...list, item] : list.with(at, item);
}

/** changeView changes the view of a contact, and of its offer while it rings. */
export function changeView(
  s: Pick<DeskState, 'offers' | 'contacts'>,
  contact: string,
  change: (view: View) => View,
): Pick<DeskState, 'offers' | 'contacts'> {
  return {
    offers: s.offers.map((o) => (o.contact === contact ? { ...o, view: change(o.view) } : o)),
    contacts: s.contacts.map((c) => (c.id === contact ? { ...c, view: change(c.view) } : c)),
  };
}

/** before orders events as the record does: by time, then by id. */
export function before(a: ThreadEvent, b: ThreadEvent): number {
  return Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** addEvent puts an event at its place in time; a known id is replaced. */
export function addEvent(view: View, event: ThreadEvent): View {
  const events = (view.events ?? []).filter((e) => e.id !== event.id);
  events.push(event);
  return { ...view, events: events.toSorted(before) };
}

/** addEarlier puts a page of earlier events in front. */
export function addEarlier(view: View, page: View): View {
  const known = new Set((view.events ?? []).map((e) => e.id));
  const earlier = (page.events ?? []).filter((e) => !known.has(e.id));
  return { ...view, events: [...earlier, ...(view.events ?? [])].toSorted(before), earlier: page.earlier };
}

/**
 * mergeView takes a new view and keeps the earlier events that were loaded before,
 * unless the tier changed: then what they may show has changed too.
 */
export function mergeView(old: View | undefined, next: View): View {
  const first = next.events?.[0];
  if (!old || old.tier !== next.tier || !first) return next;
  const ids = new Set((next.events ?? []).map((e) => e.id));
  const earlier = (old.events ?? []).filter((e) => !ids.has(e.id) && before(e, first) < 0);
  if (earlier.length === 0) return next;
  return {
    ...next,
    events: [...earlier, ...(next.events ?? [])],
    earlier: Math.max(0, next.earlier - earlier.length),
  };
}

function withEarlier(old: View | undefined, contact: Contact): Contact {
  return old ? { ...contact, view: mergeView(old, contact.view) } : contact;
}

function keepEarlier(old: Contact[], next: Contact[]): Contact[] {
  return next.map((c) => withEarlier(old.find((o) => o.id === c.id)?.view, c));
}
