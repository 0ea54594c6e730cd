import { describe, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import type { Contact, Frame, Offer, ThreadEvent, View } from '../api';
import { addEarlier, addEvent, apply, mergeView, nothing, type DeskState } from './reducer';

const now = fx.base;
const offer = () => fx.offer(now) as unknown as Offer;
const contact = () => fx.callContact(now) as unknown as Contact;
const view = () => fx.giulia() as unknown as View;
const event = (id: string, at: string, more = {}) => ({ id, at, channel: 'web', dir: 'indirect', kind: 'page', answered: false, ...more }) as ThreadEvent;

function after(...frames: Omit<Frame, 'seq'>[]): DeskState {
  return frames.reduce((s, f, i) => apply(s, { ...f, seq: i + 1 } as Frame, now), nothing);
}

const snapshot = (more = {}): Omit<Frame, 'seq'> => ({ type: 'snapshot', data: { agent: null, offers: [], contacts: [], queues: [], now: new Date(now + 5_000).toISOString(), ...more } });

describe('frames', () => {
  test('a snapshot replaces everything and sets the clock', () => {
    const s = after({ type: 'offer', data: offer() }, snapshot());
    expect(s).toMatchObject({ known: true, offers: [], seq: 2, skew: 5_000 });
  });

  test('a snapshot with null lists is an empty one', () => {
    expect(after(snapshot({ offers: null, contacts: null, queues: null }))).toMatchObject({ offers: [], contacts: [], queues: [] });
  });

  test('an offer comes, changes and goes', () => {
    const came = after(snapshot(), { type: 'offer', data: offer() }, { type: 'offer', data: { ...offer(), next: 'Ivo' } });
    expect(came.offers.map((o) => o.next)).toEqual(['Ivo']);
    const gone = apply(came, { seq: 4, type: 'offer_gone', data: { offer: '1-7', contact: 'c_giulia', reason: 'expired' } }, now);
    expect(gone.offers).toEqual([]);
    expect(gone.gone?.reason).toBe('expired');
  });

  test('a contact is put and taken by id', () => {
    const s = after(snapshot(), { type: 'contact', data: contact() }, { type: 'contact', data: { ...contact(), hold: true } });
    expect(s.contacts).toHaveLength(1);
    expect(s.contacts[0]?.hold).toBe(true);
    expect(apply(s, { seq: 9, type: 'contact_gone', data: { contact: 'c_giulia' } }, now).contacts).toEqual([]);
  });

  test('a thread event reaches the offer and the contact, and is fresh', () => {
    const e = event('e_900', '2026-11-19T08:41:30Z');
    const s = after(snapshot({ offers: [offer()], contacts: [contact()] }), { type: 'thread', data: { contact: 'c_giulia', event: e } });
    expect(s.offers[0]?.view.events?.at(-1)?.id).toBe('e_900');
    expect(s.contacts[0]?.view.events?.at(-1)?.id).toBe('e_900');
    expect(s.fresh['e_900']).toBe(now + 5_000);
  });

  test('what a supervisor follows comes, changes and ends', () => {
    const m = (mode: string) => ({ type: 'monitor', data: { contact: 'c_1', mode, agent: 'Paola Ferri' } }) as Omit<Frame, 'seq'>;
    expect(after(snapshot(), m('listen'), m('barge')).monitor?.mode).toBe('barge');
    expect(after(snapshot(), m('listen'), m('off')).monitor).toBeNull();
    expect(after(snapshot({ monitor: { contact: 'c_1', mode: 'whisper', agent: 'Paola Ferri' } })).monitor?.mode).toBe('whisper');
    expect(after(m('listen'), snapshot()).monitor).toBeNull();
  });

  test('unknown frames change nothing but the sequence', () => {
    const s = after(snapshot());
    expect(apply(s, { seq: 7, type: 'new-thing', data: 1 } as unknown as Frame, now)).toEqual({ ...s, seq: 7 });
  });
});

describe('views', () => {
  test('a late event takes its place in the past; a known one is replaced', () => {
    const v = addEvent(view(), event('e_000', '2026-11-15T10:00:00Z'));
    expect(v.events?.map((e) => e.id).slice(0, 3)).toEqual(['e_010', 'e_000', 'e_011']);
    expect(addEvent(v, event('e_000', '2026-11-15T10:00:00Z', { text: 'x' })).events).toHaveLength(v.events!.length);
  });

  test('events of one moment are ordered by id', () => {
    const at = '2026-11-19T08:00:00Z';
    const v = { ...view(), events: [] };
    expect(addEvent(addEvent(v, event('e_b', at)), event('e_a', at)).events?.map((e) => e.id)).toEqual(['e_a', 'e_b']);
  });

  test('loaded earlier events survive a new view of the same tier, not of another', () => {
    const page = { ...view(), events: [event('e_001', '2025-03-02T10:00:00Z')], earlier: 5 } as View;
    const loaded = addEarlier(view(), page);
    expect(loaded.earlier).toBe(5);
    const same = mergeView(loaded, view());
    expect(same.events?.[0]?.id).toBe('e_001');
    expect(same.earlier).toBe(5);
    expect(mergeView(loaded, { ...view(), tier: 'D3' }).events?.[0]?.id).toBe('e_010');
  });
});
