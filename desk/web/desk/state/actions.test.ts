import { describe, expect, test } from 'vitest';
import { chordOf } from './actions';

const press = (code: string, key: string, mods: Partial<Record<'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey', boolean>> = {}, altGraph = false) =>
  chordOf({ code, key, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, ...mods, getModifierState: (k) => k === 'AltGraph' && altGraph });

describe('chords', () => {
  test.each([
    ['Alt A', press('KeyA', 'a', { altKey: true })],
    ['Alt A', press('KeyA', 'å', { altKey: true })], // a Mac writes å
    ['Alt 3', press('Digit3', '3', { altKey: true })],
    ['Ctrl K', press('KeyK', 'k', { ctrlKey: true })],
    ['Ctrl K', press('KeyK', 'k', { metaKey: true })],
    ['?', press('Minus', '?', { shiftKey: true })], // where an Italian keyboard has it
  ])('%s', (want, got) => expect(got).toBe(want));

  test.each([
    ['AltGr writes a character', press('KeyA', 'æ', { altKey: true }, true)],
    ['Ctrl Alt A', press('KeyA', 'a', { altKey: true, ctrlKey: true })],
    ['a plain letter', press('KeyA', 'a')],
    ['Ctrl C', press('KeyC', 'c', { ctrlKey: true })],
  ])('none: %s', (_, got) => expect(got).toBe(''));
});
