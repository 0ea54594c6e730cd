import { describe, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import type { Directory, View } from '../api';
import { en } from '../i18n/en';
import { dialable, targetGroups, type Around } from './targets';
import { recentTargets, remember } from './recent';

const directory = fx.directory as unknown as Directory;
const view = fx.giulia() as unknown as View;
const around = (more: Partial<Around> = {}): Around => ({ view, queue: 'checkout', queues: [], recent: [], lang: 'en', t: en, now: fx.base, ...more });
const names = (query: string, more: Partial<Around> = {}, d = directory) =>
  Object.fromEntries(targetGroups(d, around(more), query).map((g) => [g.id, g.targets.map((x) => x.name)]));

describe('to whom a call can go', () => {
  test('who talked with the customer comes first, then who was called lately', () => {
    expect(names('', { recent: ['queue:returns', 'agent:ivo'] })['likely']).toEqual(['Marta Conti', 'Returns', 'Ivo Marchetti']);
  });

  test('the owner of an open case comes before everybody', () => {
    const owned = { ...view, cases: [{ id: 'c', title: 'x', owner: 'Aoife Byrne', opened_at: '2026-11-18T09:00:00Z', state: 'open' }] };
    const groups = targetGroups(directory, around({ view: owned }), '');
    expect(groups[0]?.targets.map((x) => [x.name, x.about])).toEqual([
      ['Aoife Byrne', 'has the open case'],
      ['Marta Conti', 'talked with them on 14 Nov'],
    ]);
  });

  test('a closed case is nobody’s', () => {
    const closed = { ...view, cases: [{ id: 'c', title: 'x', owner: 'Aoife Byrne', opened_at: '2026-11-18T09:00:00Z', state: 'closed' }] };
    expect(names('', { view: closed })['likely']).toEqual(['Marta Conti']);
  });

  test('who is free comes before who is not; who is signed out comes last and cannot be had', () => {
    const agents = targetGroups(directory, around(), '').find((g) => g.id === 'agents')!.targets;
    expect(agents.map((x) => x.state)).toEqual(['ready', 'ready', 'ready', 'wrap_up', 'busy', 'busy', 'not_ready', 'logged_out']);
    expect(agents.filter((x) => !x.can).map((x) => x.name)).toEqual(['Noemi Greco']);
  });

  test('who is signed out is not likely, whatever was', () => {
    expect(names('', { recent: ['agent:noemi'] })['likely']).toEqual(['Marta Conti']);
  });

  test('typing finds by any part of the name or id, without accents', () => {
    expect(names('conti')).toEqual({ likely: ['Marta Conti'] });
    expect(names('DÉLIV')).toEqual({ queues: ['Delivery'] });
    expect(names('zzz')).toEqual({});
  });

  test('a queue says how many wait, as far as that is known', () => {
    const groups = targetGroups(directory, around({ queues: [{ id: 'checkout', label: null, waiting: 2, longest_ms: 0 }] }), 'checkout');
    expect(groups[0]?.targets[0]?.about).toBe('where this call came from, 2 waiting');
  });

  test('a number is offered where numbers may be dialled', () => {
    const number = targetGroups(directory, around(), '+39 045 555 01').find((g) => g.id === 'number');
    expect(number?.targets[0]).toMatchObject({ name: '+39 045 555 01', to: { number: '+3904555501' }, can: true });
    expect(names('+39 045 555 01', {}, { ...directory, numbers: false })).toEqual({});
  });

  test.each([
    ['+39 045 555-0190', '+390455550190'],
    ['(045) 555.01', '04555501'],
    ['112', '112'],
    ['1', ''],
    ['marta', ''],
    ['+39 045 marta', ''],
    ['', ''],
    ['+'.repeat(3), ''],
    ['1'.repeat(21), ''],
  ])('%j is dialled as %j', (typed, want) => expect(dialable(typed)).toBe(want));
});

describe('who was called lately', () => {
  const store = () => {
    const m = new Map<string, string>();
    return { getItem: (k: string) => m.get(k) ?? null, setItem: (k: string, v: string) => void m.set(k, v) };
  };

  test('the newest first, each once, six at most, of this user', () => {
    const s = store();
    for (const t of ['a', 'b', 'c', 'a', 'd', 'e', 'f', 'g']) remember('paola', `agent:${t}`, s);
    expect(recentTargets('paola', s)).toEqual(['agent:g', 'agent:f', 'agent:e', 'agent:d', 'agent:a', 'agent:c']);
    expect(recentTargets('marta', s)).toEqual([]);
  });

  test('numbers are not kept, and what is not readable is nothing', () => {
    const s = store();
    remember('paola', 'number:+39045', s);
    expect(recentTargets('paola', s)).toEqual([]);
    s.setItem('filo.recent.paola', '{');
    expect(recentTargets('paola', s)).toEqual([]);
  });
});
