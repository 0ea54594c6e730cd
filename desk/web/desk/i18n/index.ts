import type { Lang, Words } from '../api';
import { en, type Strings } from './en';
import { it } from './it';

export type { Strings };

export const catalogues: Record<Lang, Strings> = { en, it };

/** langOf takes the nearest language that we speak. */
export function langOf(tag: string | undefined | null): Lang {
  return tag?.toLowerCase().startsWith('it') ? 'it' : 'en';
}

/** pick takes the words of a language, or of any. */
export function pick(words: Words | null | undefined, lang: Lang, otherwise = ''): string {
  if (!words) return otherwise;
  return words[lang] ?? words['en'] ?? Object.values(words)[0] ?? otherwise;
}

/** pickLines is pick for lists of lines. */
export function pickLines(lines: Record<string, string[]> | null | undefined, lang: Lang): string[] {
  return lines?.[lang] ?? lines?.['en'] ?? [];
}
