import { describe, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import type { Floor } from '../api';
import { formulaPlot } from './formulas';
import { queueLine } from './queueline';

const floor = fx.floor(fx.base) as unknown as Floor;
const queue = (id: string) => floor.queues!.find((q) => q.id === id)!;

describe('queue line', () => {
  test('a knot stands at its share of the wait', () => {
    expect(queueLine(queue('checkout'), fx.base)).toMatchObject([{ percent: 30, past: false }]);
    const knots = queueLine(queue('delivery'), fx.base);
    expect(knots.map((k) => k.percent)).toEqual([12, 45, 80]);
    expect(knots.every((k, i) => i === 0 || k.x > knots[i - 1]!.x)).toBe(true);
  });

  test('past the deadline it stands behind the mark, and stays on the line', () => {
    const late = queueLine(queue('invoices'), fx.base).at(-1)!;
    expect(late).toMatchObject({ past: true });
    expect(late.x).toBeGreaterThan(236 + 11);
    expect(queueLine(queue('invoices'), fx.base + 1e9).at(-1)!.x).toBe(285);
  });

  test('nobody, and too many', () => {
    expect(queueLine(queue('english'), fx.base)).toEqual([]);
    const many = { ...queue('checkout'), waiting: Array.from({ length: 50 }, (_, i) => ({ contact: String(i), channel: 'voice' as const, since: new Date(fx.base - i * 100).toISOString(), deadline: new Date(fx.base + 20_000).toISOString() })) };
    expect(queueLine(many, fx.base)).toHaveLength(12);
  });
});

test('equal figures share a point', () => {
  const plot = formulaPlot({ ...floor.sl!, value: 1, variants: { standard: 1, strict: 1, neutral: 1 } }, (c) => c, (v) => (v * 100).toFixed(1));
  expect(plot.points.map((p) => p.text)).toEqual(['filo, strict, neutral 100.0']);
});

test('the formulas stand in order, ours once, words apart', () => {
  const plot = formulaPlot(floor.sl!, (c) => c, (v) => (v * 100).toFixed(1));
  expect(plot.points.map((p) => p.text)).toEqual(['strict 81.1', 'filo 81.9', 'neutral 82.7', 'optimistic 83.0', 'ignoring_abandons 86.0']);
  expect(plot.points.filter((p) => p.ours)).toHaveLength(1);
  for (const side of [true, false]) {
    const row = plot.points.filter((p) => p.below === side);
    row.slice(1).forEach((p, i) => expect(p.textX - row[i]!.textX).toBeGreaterThan(((p.text.length + row[i]!.text.length) / 2) * 5));
  }
});
