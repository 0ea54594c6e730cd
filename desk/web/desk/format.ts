// Times, lengths and money as the desk writes them. Every function is pure.

import type { Strings } from './i18n/en';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const cache = new Map<string, Intl.DateTimeFormat>();

function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let format = cache.get(key);
  if (!format) cache.set(key, (format = new Intl.DateTimeFormat(locale, options)));
  return format;
}

/** clock is "09:41". */
export function clock(t: Strings, at: number): string {
  return dates(t.locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

/** clockSeconds is "09:41:02". */
export function clockSeconds(t: Strings, at: number): string {
  return dates(t.locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at);
}

/** shortDate is "14 Nov", with the year when it is not this one. */
export function shortDate(t: Strings, at: number, now: number): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dates(t.locale, { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) })
    .format(at)
    .replace('Sept', 'Sep');
}

/** dayName is "Today", "Yesterday" or "Sat 14 Nov". */
export function dayName(t: Strings, at: number, now: number): string {
  if (daysBetween(at, now) === 0) return t.thread.today;
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dates(t.locale, sameYear ? { weekday: 'short', day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' })
    .format(at)
    .replace(',', '')
    .replace('Sept', 'Sep');
}

/** when is "09:36" today, "17 Nov" before. */
export function when(t: Strings, at: number, now: number): string {
  return daysBetween(at, now) === 0 ? clock(t, at) : shortDate(t, at, now);
}

/** daysBetween counts calendar days, local time. */
export function daysBetween(a: number, b: number): number {
  const midnight = (x: number) => {
    const d = new Date(x);
    return Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
  };
  return Math.round((midnight(b) - midnight(a)) / day);
}

/** timer is m:ss, and h:mm:ss from an hour on; negative counts as 0. */
export function timer(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const h = Math.floor(s / 3600);
  return h > 0 ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** span is "38 s", "26 min", "1 h 31", "3 days". */
export function span(t: Strings, ms: number): string {
  const x = Math.max(0, ms);
  if (x < minute) return t.units.sec(Math.round(x / 1000));
  if (x < hour) return t.units.min(Math.floor(x / minute));
  if (x < 2 * day) {
    const m = Math.floor(x / minute) % 60;
    return t.units.hour(Math.floor(x / hour)) + (m ? ` ${String(m).padStart(2, '0')}` : '');
  }
  return t.units.day(Math.floor(x / day));
}

/** wait is for queues: m:ss below an hour, then "1 h 52". */
export function wait(t: Strings, ms: number): string {
  return ms < hour ? timer(ms) : span(t, ms);
}

/** ago is "2 min ago". */
export function ago(t: Strings, ms: number): string {
  return ms < 10_000 ? t.thread.justNow : t.units.ago(span(t, ms));
}

/** agoWords is "two minutes ago", for a sentence. */
export function agoWords(t: Strings, ms: number): string {
  if (ms < minute) return t.agoWords.now;
  if (ms < hour) return t.agoWords.minute(Math.floor(ms / minute));
  if (ms < 2 * day) return t.agoWords.hour(Math.floor(ms / hour));
  return t.agoWords.day(Math.floor(ms / day));
}

/** later is the gap between two days of the thread: "3 days later". */
export function later(t: Strings, from: number, to: number): string {
  const days = daysBetween(from, to);
  const hours = Math.round((to - from) / hour);
  return days <= 1 && hours < 24 ? t.thread.hoursLater(Math.max(1, hours)) : t.thread.daysLater(Math.max(1, days));
}

/** sinceDays is "5 days", for goals. */
export function sinceDays(t: Strings, from: number, to: number): string {
  const days = daysBetween(from, to);
  return days >= 1 ? t.units.day(days) : span(t, to - from);
}

/** number is a figure with fixed decimals: 81.9 or 81,9. */
export function number(t: Strings, value: number, decimals = 0): string {
  return new Intl.NumberFormat(t.locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);
}

/** amount is "84.90", as the locale writes it; what is no number is left alone. */
export function amount(t: Strings, value: string): string {
  const n = Number(value.replace(',', '.'));
  return value.trim() !== '' && Number.isFinite(n) ? number(t, n, 2) : value;
}

/** money is "84.90 €". */
export function money(t: Strings, value: string, currency: string | undefined): string {
  return currency ? `${amount(t, value)}\u00a0${symbol(t, currency)}` : amount(t, value);
}

function symbol(t: Strings, currency: string): string {
  try {
    const parts = new Intl.NumberFormat(t.locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).formatToParts(0);
    return parts.find((p) => p.type === 'currency')?.value ?? currency;
  } catch {
    return currency;
  }
}

/** confidence is ".90". */
export function confidence(t: Strings, value: number): string {
  return value >= 1 ? '1' : number(t, value, 2).replace(/^0/, '');
}

/** micro is the length of a decision, given in nanoseconds: "6 µs", "2.9 ms". */
export function micro(t: Strings, ns: number): string {
  if (ns < 1_000) return `${ns}\u00a0ns`;
  if (ns < 1_000_000) return `${number(t, ns / 1e3, ns < 10_000 ? 1 : 0)}\u00a0µs`;
  if (ns < 1e9) return `${number(t, ns / 1e6, 1)}\u00a0ms`;
  return `${number(t, ns / 1e9, 1)}\u00a0s`;
}

/** words turns a code into words when the catalogue has none: "late_reply" -> "Late reply". */
export function words(code: string): string {
  const text = code.replaceAll(/[_-]+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** smsParts is how many SMS a text takes: 160/153 in GSM 7 bit, 70/67 in UCS-2. */
export function smsParts(text: string): number {
  const gsm = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€]*$/.test(text);
  const length = gsm ? text.length + (text.match(/[\^{}\\[~\]|€]/g)?.length ?? 0) : text.length;
  const [one, each] = gsm ? [160, 153] : [70, 67];
  return length <= one ? 1 : Math.ceil(length / each);
}
