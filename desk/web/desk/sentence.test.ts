import { describe, expect, test } from 'vitest';
import * as fx from '../mock/fixtures.mjs';
import type { View } from './api';
import { en } from './i18n/en';
import { it } from './i18n/it';
import { sentence } from './sentence';

const giulia = fx.giulia() as unknown as View;

describe('the sentence', () => {
  test('film A', () => {
    expect(sentence(en, 'en', giulia, 'voice', fx.base)).toEqual({
      who: 'Giulia Rossi',
      rest: ', stopped at payment, step 3 of 4, two minutes ago, 84.90\u00a0€. E-mail “Consegna?” unanswered since 21:14.',
    });
    expect(sentence(it, 'it', giulia, 'voice', fx.base).rest).toBe(', interruzione al pagamento, passo 3 di 4, due minuti fa, 84,90\u00a0€. E-mail «Consegna?» senza risposta dalle 21:14.');
  });

  test('a mail alone, and one that waits for days', () => {
    const view = { ...giulia, headline: { who: 'Giulia Rossi', unanswered: { event: 'e', channel: 'email' as const, since: '2026-11-16T10:00:00Z' } } };
    expect(sentence(en, 'en', view, 'email', fx.base).rest).toBe(', e-mail unanswered since 16 Nov.');
  });

  test('nothing known: the words of the server', () => {
    const view = { ...giulia, tier: 'D0', name: undefined, headline: {}, sentence: { en: 'Unknown caller, chose returns in the menu' } } as unknown as View;
    expect(sentence(en, 'en', view, 'voice', fx.base)).toEqual({ who: 'Unknown caller', rest: ', chose returns in the menu' });
    expect(sentence(en, 'en', { ...view, sentence: null }, 'email', fx.base)).toEqual({ who: 'Unknown sender', rest: '.' });
  });

  test('no name at D1', () => {
    const view = fx.possible() as unknown as View;
    const { who, rest } = sentence(en, 'en', view, 'voice', fx.base);
    expect(who + rest).toBe('Possible match, stopped at payment, step 3 of 4, two minutes ago. E-mail unanswered since 21:14.');
  });
});
