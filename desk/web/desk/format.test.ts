import { describe, expect, test } from 'vitest';
import * as f from './format';
import { en } from './i18n/en';
import { it } from './i18n/it';

const at = (text: string) => Date.parse(`${text}+01:00`);
const now = at('2026-11-19T09:41:02');
const [s, m, h, d] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('time', () => {
  test.each([
    [0, '0:00'],
    [6 * s, '0:06'],
    [192 * s, '3:12'],
    [h + 61 * s, '1:01:01'],
    [-5 * s, '0:00'],
  ])('timer %i is %s', (ms, want) => expect(f.timer(ms)).toBe(want));

  test.each([
    [38 * s, '38 s'],
    [26 * m, '26 min'],
    [91 * m, '1 h 31'],
    [4 * h, '4 h'],
    [12 * h + 27 * m, '12 h 27'],
    [3 * d, '3 days'],
  ])('span %i is %s', (ms, want) => expect(f.span(en, ms)).toBe(want));

  test('days and clocks', () => {
    expect(f.dayName(en, at('2026-11-14T18:02:00'), now)).toBe('Sat 14 Nov');
    expect(f.dayName(it, at('2026-11-14T18:02:00'), now)).toBe('sab 14 nov');
    expect(f.dayName(en, now, now)).toBe('Today');
    expect(f.clock(it, at('2026-11-18T21:14:00'))).toBe('21:14');
    expect(f.when(en, at('2026-11-17T12:20:00'), now)).toBe('17 Nov');
    expect(f.shortDate(en, at('2025-03-02T12:20:00'), now)).toBe('2 Mar 2025');
  });

  test('gaps between days', () => {
    expect(f.later(en, at('2026-11-14T18:02:00'), at('2026-11-17T12:20:00'))).toBe('3 days later');
    expect(f.later(en, at('2026-11-18T21:14:00'), at('2026-11-19T09:33:00'))).toBe('12 hours later');
    expect(f.later(it, at('2026-11-17T12:20:00'), at('2026-11-18T20:55:00'))).toBe('1 giorno dopo');
  });

  test('ago, in words', () => {
    expect(f.agoWords(en, 2 * m)).toBe('two minutes ago');
    expect(f.agoWords(it, 2 * m)).toBe('due minuti fa');
    expect(f.agoWords(it, h)).toBe('un’ora fa');
    expect(f.agoWords(en, 20 * s)).toBe('just now');
  });
});

describe('figures', () => {
  test.each([
    ['84.90', 'EUR', '84.90 €', '84,90 €'],
    ['1084.9', 'EUR', '1,084.90 €', '1084,90 €'],
    ['12', 'GBP', '12.00 £', '12,00 £'],
    ['many', undefined, 'many', 'many'],
  ])('money %s %s', (value, currency, english, italian) => {
    expect(f.money(en, value, currency)).toBe(english.replace(' ', '\u00a0'));
    expect(f.money(it, value, currency)).toBe(italian.replace(' ', '\u00a0'));
  });

  test('confidence', () => {
    expect([0.9, 0.85, 1].map((c) => f.confidence(en, c))).toEqual(['.90', '.85', '1']);
    expect(f.confidence(it, 0.9)).toBe(',90');
  });

  test('lengths of decisions', () => {
    expect([640, 6_100, 400_000, 2_900_000].map((n) => f.micro(en, n))).toEqual(['640 ns', '6.1 µs', '400 µs', '2.9 ms'].map((x) => x.replace(' ', '\u00a0')));
  });

  test('parts of an SMS', () => {
    expect(f.smsParts('a'.repeat(160))).toBe(1);
    expect(f.smsParts('a'.repeat(161))).toBe(2);
    expect(f.smsParts('€'.repeat(81))).toBe(2); // two places each
    expect(f.smsParts('ş'.repeat(71))).toBe(2); // UCS-2
  });

  test('codes become words', () => expect(f.words('late_reply-again')).toBe('Late reply again'));
});
