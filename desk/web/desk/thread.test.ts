import { describe, expect, test } from 'vitest';
import * as fx from '../mock/fixtures.mjs';
import type { ThreadEvent, View } from './api';
import { en } from './i18n/en';
import { formSteps, threadRows, unansweredMessages, type EventRow } from './thread';

const giulia = fx.giulia() as unknown as View;
const rowsOf = (view: View, o: Partial<Parameters<typeof threadRows>[1]> = {}) => threadRows(view, { direct: false, now: fx.base, ...o });
const events = (view: View, o = {}) => rowsOf(view, o).filter((r): r is EventRow => r.row === 'event');

describe('rows', () => {
  test('days stand between, with the texture of what ran there', () => {
    const rows = rowsOf(giulia);
    expect(rows.filter((r) => r.row === 'day').map((r) => r.texture)).toEqual([null, 'call', 'sms', 'mail']);
  });

  test('one visit to a form is one row, with its pages and errors', () => {
    const web = events(giulia).filter((r) => r.texture === 'web');
    expect(web.map((r) => r.event.id)).toEqual(['e_015', 'e_021']);
    expect(web[1]).toMatchObject({ errors: ['Card declined twice: bank confirmation not completed'] });
    expect(web[1]?.steps.map((e) => e.attrs?.['step'])).toEqual(['cart', 'delivery']);
    expect(web[1]?.pages).toHaveLength(3);
  });

  test('what happens in the call is a row of its own, on the rope', () => {
    const view = { ...giulia, events: [...giulia.events!, fx.liveStep(fx.base + 60_000) as unknown as ThreadEvent] };
    const last = events(view, { callSince: fx.base }).at(-1);
    expect(last).toMatchObject({ during: true, last: true });
    expect(last?.event.id).toBe('e_030');
  });

  test('so does what happened in a call that is over', () => {
    const call = { id: 'e_c', at: new Date(fx.base).toISOString(), channel: 'voice', dir: 'in', kind: 'call', attrs: { talk: '402' }, answered: false } as ThreadEvent;
    const view = { ...giulia, events: [...giulia.events!, call, fx.orderEvent(fx.base + 300_000) as unknown as ThreadEvent] };
    expect(events(view).at(-1)?.during).toBe(true);
    expect(events(view).at(-2)?.during).toBe(false);
  });

  test('direct leaves out what was only seen', () => {
    expect(events(giulia, { direct: true }).every((r) => r.event.dir !== 'indirect')).toBe(true);
  });

  test('the message that a contact is about is the present', () => {
    const view = fx.hannah() as unknown as View;
    expect(events(view, { contact: 'c_mail', presentIs: 'email' }).filter((r) => r.present).map((r) => r.event.id)).toEqual(['e_102']);
    expect(events(giulia, { contact: 'c_giulia', presentIs: 'voice' }).some((r) => r.present)).toBe(false);
  });

  test('visits far apart are not folded', () => {
    const page = (id: string, at: string) => ({ id, at, channel: 'web', dir: 'indirect', kind: 'page', answered: false }) as ThreadEvent;
    const view = { ...giulia, events: [page('a', '2026-11-19T06:00:00Z'), page('b', '2026-11-19T06:10:00Z'), page('c', '2026-11-19T08:00:00Z')] };
    expect(events(view).map((r) => r.event.id)).toEqual(['b', 'c']);
  });
});

describe('steps', () => {
  test('of the checkout', () => {
    expect(formSteps(en, 'checkout', 'payment', 3, 4)).toEqual([
      { name: 'Cart', state: 'done' },
      { name: 'Delivery', state: 'done' },
      { name: 'Payment', state: 'here' },
      { name: 'Confirmation', state: 'todo' },
    ]);
  });

  test('of a form nobody told us about', () => {
    expect(formSteps(en, 'loan', 'income', 2, 3).map((s) => s.name)).toEqual(['Step 1', 'Income', 'Step 3']);
    expect(formSteps(en, 'loan', 'income', 0, 0)).toEqual([]);
  });
});

test('a later answer on the same channel answers a message', () => {
  expect(unansweredMessages(giulia).map((e) => e.id)).toEqual(['e_014']);
  const answered = { ...giulia, events: [...giulia.events!, { ...giulia.events![4]!, id: 'e_x', dir: 'out' as const }] };
  expect(unansweredMessages(answered)).toEqual([]);
});
