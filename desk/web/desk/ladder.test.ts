import { expect, test } from 'vitest';
import { catalogues } from './i18n';
import { failed, label, noteWords, offset, partyName, sdpWords, spoken, type Ladder, type LadderRow } from './ladder';

const { en, it } = catalogues;
const row = (o: Partial<LadderRow>): LadderRow => ({ at: '2026-11-21T09:30:00Z', ms: 510, kind: 'request', leg: 0, from: 0, to: 1, text: 'INVITE', ...o });
const ladder: Ladder = {
  id: 'c_1', start: '2026-11-21T09:30:00Z', overwritten: false, legs: [], rows: [],
  parties: [{ role: 'caller', name: 'telco', user: '+39 347 ••• 4419' }, { role: 'filo' }, { role: 'browser', name: 'paola' }, { role: 'something new' }],
};
const audio = { kind: 'audio', port: 4000, profile: 'RTP/AVP', codecs: ['PCMA', 'telephone-event'], class: 'private', direction: 'sendonly' };

test('columns have names', () => {
  expect(ladder.parties!.map((p) => partyName(it, p))).toEqual(['Chiamante telco', 'Filo', 'Browser di paola', 'something new']);
});

test.each([
  [row({}), 'INVITE'],
  [row({ kind: 'response', text: '486 Busy Here', code: 486, method: 'INVITE' }), '486 Busy Here (INVITE)'],
  [row({ kind: 'event', text: 'queued: checkout' }), 'in queue checkout'],
  [row({ kind: 'event', text: 'something new: x' }), 'something new x'],
  [row({ kind: 'broken', text: 'not SIP' }), 'bytes that are no SIP'],
])('labels %#', (r, want) => {
  expect(label(en, r)).toBe(want);
});

test('events are told in the language of the reader', () => {
  expect(noteWords(it, 'offered: paola')).toBe('offerta a paola');
  expect(noteWords(it, 'hold')).toBe('in attesa');
  expect(noteWords(it, 'monitor: elena whisper')).toBe('supervisore elena suggerisce');
  expect(noteWords(en, 'transfer: attended agent')).toBe('transfer after a consultation to an agent');
  expect(noteWords(en, 'queued: number')).toBe('in queue number');
});

test('a session description in short', () => {
  expect(sdpWords(en, row({ sdp: { media: [audio] } }))).toBe('PCMA, DTMF, private address, sends only');
  expect(sdpWords(en, row({ sdp: { media: [{ ...audio, profile: 'UDP/TLS/RTP/SAVPF', direction: 'sendrecv' }, { ...audio, kind: 'video', codecs: null, port: 0 }] } }))).toBe('PCMA, DTMF, private address, encrypted + video, refused');
  expect(sdpWords(en, row({}))).toBe('');
});

test('a row as a sentence', () => {
  expect(spoken(en, ladder, row({ again: 1, sdp: { media: [audio] } }))).toBe('0.510 s, Caller telco to Filo: INVITE, PCMA, DTMF, private address, sends only, sent again, 1');
  expect(spoken(it, ladder, row({ kind: 'event', text: 'hold', from: 2, to: 2, ms: 61_002 }))).toBe('61,002 s, Browser di paola: in attesa');
  expect(offset(it, 12)).toBe('0,012');
});

test('what refuses', () => {
  expect([row({}), row({ code: 200 }), row({ code: 487 }), row({ kind: 'broken' })].map(failed)).toEqual([false, false, true, true]);
});
