import { describe, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import type { Contact } from '../api';
import { en } from '../i18n/en';
import { actions, chordOf, recordNext } from './actions';
import type { Desk } from './desk.svelte';

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

/** can lists what can be done on a call. */
function can(contact: unknown, more: Record<string, unknown> = {}): string[] {
  const desk = { t: en, offer: null, waitingOffer: null, contact, call: contact, config: {}, supervises: false, monitor: null, page: 'desk', data: { agent: {} }, ...more } as unknown as Desk;
  const onCall = ['mute', 'hold', 'transfer', 'consult', 'swap', 'drop', 'keypad', 'record', 'wrong', 'end', 'listen', 'whisper', 'barge', 'off'];
  return actions(desk).filter((a) => a.can && onCall.includes(a.id)).map((a) => a.id);
}
const call = (more = {}, of = {}) => fx.callContact(fx.base, { call: fx.call(more), ...of }) as unknown as Contact;

describe('what can be done on a call', () => {
  test.each([
    ['a plain call', call(), ['mute', 'hold', 'transfer', 'consult', 'keypad', 'record', 'wrong', 'end']],
    ['ringing', call({ consult: fx.consultWith('ringing') }), ['mute', 'drop', 'keypad', 'record', 'wrong']],
    ['talking to the consulted', call({ consult: fx.consultWith('talking') }), ['mute', 'transfer', 'consult', 'swap', 'drop', 'keypad', 'record', 'wrong']],
    ['a conference', call({ consult: fx.consultWith('conference') }), ['mute', 'transfer', 'swap', 'drop', 'keypad', 'record', 'wrong']],
    ['helping a colleague', fx.consulted(fx.base), ['mute', 'end']],
  ])('%s', (_, contact, want) => expect(can(contact)).toEqual(want));

  test('a server of before call control', () => expect(can({ ...call(), call: undefined })).toContain('transfer'));
  test('where calls are not recorded', () => expect(can(call(), { config: { recording: false } })).not.toContain('record'));
  test('monitoring', () => {
    const m = { contact: 'c_1', mode: 'whisper', agent: 'Paola Ferri' };
    expect(can(null, { supervises: true, monitor: m })).toEqual(['listen', 'barge', 'off']);
    expect(can(null, { supervises: true })).toEqual([]);
  });

  test('no two actions have one chord', () => {
    const desk = { t: en, offer: null, waitingOffer: null, contact: null, call: null, config: {}, supervises: true, monitor: null, page: 'desk', data: { agent: {} } } as unknown as Desk;
    const chords = actions(desk).map((a) => a.chord).filter(Boolean);
    expect(new Set(chords).size).toBe(chords.length);
  });

  test.each([
    ['off', 'record'],
    ['on', 'record_pause'],
    ['paused', 'record_resume'],
  ] as const)('one key records: %s, then %s', (recording, verb) => expect(recordNext(fx.call({ recording }) as never)).toBe(verb));
});
