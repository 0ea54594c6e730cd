// What a call contact says about its call. Pure.

import type { Call, Consult, Contact } from '../api';

/** callOf is how the call of a contact stands. */
export function callOf(c: Contact): Call {
  return c.call ?? { hold: c.hold, muted: c.muted, line_lost: c.line_lost, recording: 'off', consult: null, monitor: null };
}

/** isCall tells whether a contact is a call that is up. */
export function isCall(c: Contact | null | undefined): c is Contact {
  return c?.channel === 'voice' && c.state === 'connected';
}

/** targetKey names a destination: "agent:marta". */
export function targetKey(to: Consult['to']): string {
  if (to.agent) return `agent:${to.agent}`;
  return to.queue ? `queue:${to.queue}` : `number:${to.number ?? ''}`;
}
