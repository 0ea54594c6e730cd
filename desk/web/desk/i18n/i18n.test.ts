import { expect, test } from 'vitest';
import { en } from './en';
import { it } from './it';
import { langOf, pick, pickLines } from './index';

function keys(o: object, path = ''): string[] {
  return Object.entries(o).flatMap(([k, v]) => (v && typeof v === 'object' && !Array.isArray(v) ? keys(v as object, `${path}${k}.`) : [`${path}${k}`]));
}

// Open catalogues (codes of the server) are typed as records: the compiler cannot compare them.
test('both languages know the same codes', () => {
  const own = (list: string[]) => list.filter((k) => !k.startsWith('thread.atStage.')).sort();
  expect(own(keys(it))).toEqual(own(keys(en)));
});

test('no text is empty or shouts', () => {
  for (const catalogue of [en, it]) expect(JSON.stringify(catalogue)).not.toMatch(/!|:""/);
});

test('words of the server in another language are better than none', () => {
  expect(pick({ en: 'Checkout' }, 'it')).toBe('Checkout');
  expect(pick(null, 'it', 'checkout')).toBe('checkout');
  expect(pickLines({ it: ['a'] }, 'en')).toEqual([]);
  expect([langOf('it-IT'), langOf('de'), langOf(null)]).toEqual(['it', 'en', 'en']);
});
