// Who and what, in one sentence for the screen. The same facts as View.sentence, which is
// what is read aloud; figures are written here as the locale writes them.

import type { Channel, Lang, View } from './api';
import { agoWords, clock, money, shortDate } from './format';
import { pick, type Strings } from './i18n';
import { atStage } from './thread';

const dayMs = 24 * 3600_000;

/** whoIs names the person as far as the proof allows. */
export function whoIs(t: Strings, view: View, channel: Channel): string {
  if (view.name) return view.name;
  if (view.tier === 'D1') return t.who.possible;
  if (view.tier === 'D2' || view.tier === 'D3') return t.who.known;
  return channel === 'voice' ? t.who.unknownCaller : t.who.unknownWriter;
}

/** sinceWhen is "since 21:14", or "since 17 Nov" when it is longer ago than a day. */
export function sinceWhen(t: Strings, at: number, now: number): string {
  return now - at < dayMs ? t.thread.sinceClock(clock(t, at)) : t.thread.sinceDate(shortDate(t, at, now));
}

/** sentence is the offer in words: the name, and what follows it. */
export function sentence(t: Strings, lang: Lang, view: View, channel: Channel, now: number): { who: string; rest: string } {
  const who = whoIs(t, view, channel);
  const head = view.headline;
  const parts: string[] = [];
  if (head.stage && head.stopped_at) {
    const ago = agoWords(t, now - Date.parse(head.stopped_at));
    parts.push(t.offer.sentence.stoppedAt(atStage(t, head.stage), head.step_no ?? 0, head.steps ?? 0, ago));
    if (Number(head.value) > 0) parts.push(money(t, head.value ?? '', head.currency));
  }
  let rest = parts.length ? `, ${parts.join(', ')}.` : '';
  const open = head.unanswered;
  if (open) {
    const word = t.thread.word[open.channel] ?? open.channel;
    const text = t.offer.sentence.unanswered(word, open.subject ?? '', sinceWhen(t, Date.parse(open.since), now));
    rest = rest ? `${rest} ${text}` : `, ${inside(text)}`;
  }
  if (rest) return { who, rest };
  return spoken(pick(view.sentence, lang), who);
}

/** inside is a sentence's beginning in the middle of one: "e-mail", but "SMS". */
function inside(text: string): string {
  return /^[A-Z][A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

function spoken(text: string, who: string): { who: string; rest: string } {
  if (!text) return { who, rest: '.' };
  return text.startsWith(who) ? { who, rest: text.slice(who.length) } : { who: '', rest: text };
}
