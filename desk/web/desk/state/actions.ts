// Everything that a key or the palette can do, in one list: the chord, the words, whether it
// can be done now, and the doing.

import type { Call, Contact, MonitorMode, Verb } from '../api';
import { callOf, isCall } from './call';
import type { Desk } from './desk.svelte';

export interface Action {
  id: string;
  label: string;
  chord: string; // "Alt A"
  can: boolean;
  run(): void;
}

/** actions lists what can be done, in the order of the keys sheet. */
export function actions(desk: Desk): Action[] {
  const t = desk.t;
  const offer = (desk.offer && !desk.offer.phone ? desk.offer : null) ?? desk.waitingOffer;
  const contact = desk.contact;
  const call = isCall(contact) ? contact : desk.call;
  const is = call ? callOf(call) : null;
  const own = call !== null && !call.consult; // a customer's call, not a colleague's wish for help
  const consult = is?.consult ?? null;
  const answered = consult !== null && consult.state !== 'ringing';
  const wrap = contact?.state === 'wrap_up' ? contact : null;
  const onCall = (id: string, chord: string, label: string, run: (c: Contact) => void, can = true): Action => ({
    id,
    chord,
    label,
    can: call !== null && can,
    run: () => call && run(call),
  });
  return [
    { id: 'answer', chord: 'Alt A', label: t.keys.answer, can: offer !== null, run: () => offer && void desk.accept(offer) },
    { id: 'decline', chord: 'Alt D', label: t.keys.decline, can: offer !== null, run: () => offer && void desk.decline(offer) },
    onCall('mute', 'Alt M', t.keys.mute, (c) => void desk.command(c, desk.muted(c) ? 'unmute' : 'mute')),
    onCall('hold', 'Alt H', t.keys.hold, (c) => void desk.command(c, callOf(c).hold ? 'resume' : 'hold'), own && !consult),
    onCall('transfer', 'Alt T', t.keys.transfer, (c) => (answered ? void desk.command(c, 'complete') : pickFor(desk, c, 'transfer')), own && (!consult || answered)),
    onCall('consult', 'Alt C', t.keys.consult, (c) => (answered ? void desk.command(c, 'conference') : pickFor(desk, c, 'consult')), own && (!consult || (answered && consult.state !== 'conference'))),
    onCall('swap', 'Alt X', t.keys.swap, (c) => void desk.command(c, 'swap'), answered),
    onCall('drop', 'Alt B', t.keys.drop, (c) => void desk.command(c, 'drop'), consult !== null),
    onCall('keypad', 'Alt K', t.keys.keypad, (c) => {
      desk.select(c.id);
      desk.panel = desk.panel === 'keypad' ? 'none' : 'keypad';
    }, own),
    onCall('record', 'Alt R', t.keys.record, (c) => void desk.command(c, recordNext(callOf(c))), own && desk.config.recording !== false),
    onCall('wrong', 'Alt W', t.keys.wrong, (c) => void desk.command(c, 'wrong_reason'), call?.skipped != null && own),
    onCall('end', 'Alt E', t.keys.end, (c) => void desk.command(c, 'hangup'), !consult),
    { id: 'verify', chord: 'Alt V', label: t.keys.verify, can: canVerify(contact), run: () => verify(desk) },
    { id: 'save', chord: 'Alt S', label: t.keys.save, can: wrap !== null, run: () => wrap && void desk.saveWrapUp(wrap, 'ready') },
    { id: 'break', chord: 'Alt P', label: t.keys.break, can: desk.data.agent !== null, run: () => void desk.pause() },
    { id: 'find', chord: 'Ctrl K', label: t.keys.find, can: true, run: () => (desk.sheet = desk.sheet === 'find' ? 'none' : 'find') },
    { id: 'keys', chord: '?', label: t.keys.all, can: true, run: () => (desk.sheet = 'keys') },
    { id: 'settings', chord: '', label: t.settings.title, can: true, run: () => (desk.sheet = 'settings') },
    ...(desk.supervises
      ? [
          ...modes.map(([mode, chord]) => ({
            id: mode,
            chord,
            label: desk.t.monitor.key[mode],
            can: desk.monitor !== null && desk.monitor.mode !== mode,
            run: () => desk.monitor && void desk.follow(desk.monitor.contact, mode),
          })),
          { id: 'floor', chord: '', label: t.floor.title, can: desk.page !== 'floor', run: () => desk.go('floor') },
          { id: 'desk', chord: '', label: t.top.desk, can: desk.page !== 'desk', run: () => desk.go('desk') },
        ]
      : []),
    { id: 'signout', chord: '', label: t.settings.signOut, can: desk.call === null, run: () => void desk.signOut() },
  ];
}

const modes: [MonitorMode | 'off', string][] = [['listen', 'Alt L'], ['whisper', 'Alt U'], ['barge', 'Alt J'], ['off', 'Alt O']];

/** recordNext is what the one key does to the recording: begin, pause, go on. */
export function recordNext(call: Call): Verb {
  const next: Record<Call['recording'], Verb> = { off: 'record', on: 'record_pause', paused: 'record_resume' };
  return next[call.recording];
}

function pickFor(desk: Desk, call: Contact, panel: 'transfer' | 'consult'): void {
  desk.page = 'desk';
  desk.select(call.id);
  desk.problem = '';
  desk.panel = desk.panel === panel ? 'none' : panel;
}

export function canVerify(contact: Contact | null): boolean {
  return contact !== null && !contact.consult && contact.state === 'connected' && contact.view.tier !== 'D3' && contact.view.tier !== 'D0';
}

function verify(desk: Desk): void {
  const contact = desk.contact;
  if (!contact) return;
  if (verifyShown(desk, contact)) void desk.verify(contact, 'asked');
  else desk.panel = 'verify';
}

/** verifyShown: at D1 the question stands there by itself, above it when it was asked for. */
export function verifyShown(desk: Pick<Desk, 'panel'>, contact: Contact): boolean {
  return canVerify(contact) && (desk.panel === 'verify' || contact.view.tier === 'D1');
}

/** editing tells whether single keys belong to a field. */
export function editing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea, select, input:not([type="radio"], [type="checkbox"])'));
}

/** chordOf names the chord of a key press as actions do, "" when it is none. */
export function chordOf(e: Pick<KeyboardEvent, 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'code' | 'key'> & { getModifierState?(k: string): boolean }): string {
  if (e.getModifierState?.('AltGraph')) return '';
  const letter = /^Key([A-Z])$/.exec(e.code)?.[1];
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(e.code)?.[1];
  if (e.altKey && !e.ctrlKey && !e.metaKey && !e.shiftKey) return letter || digit ? `Alt ${letter ?? digit}` : '';
  if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && letter === 'K') return 'Ctrl K';
  if (e.ctrlKey || e.metaKey || e.altKey) return '';
  return e.key === '?' ? '?' : '';
}
