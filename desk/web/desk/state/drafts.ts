// What was typed and not yet sent: kept by contact, also over a reload of the tab.
import { SvelteMap } from 'svelte/reactivity';

export interface WrapUp {
  disposition: string;
  note: string;
  answered: string[];
}

const key = 'filo.drafts';
const empty: WrapUp = { disposition: '', note: '', answered: [] };

export class Drafts {
  #replies = new SvelteMap<string, string>();
  #wrapUps = new SvelteMap<string, WrapUp>();

  constructor() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as { replies?: [string, string][]; wrapUps?: [string, WrapUp][] };
      for (const [id, text] of kept.replies ?? []) this.#replies.set(id, text);
      for (const [id, w] of kept.wrapUps ?? []) this.#wrapUps.set(id, { ...empty, ...w });
    } catch {
      // Nothing kept, or nothing readable.
    }
  }

  reply(id: string): string {
    return this.#replies.get(id) ?? '';
  }

  setReply(id: string, text: string): void {
    if (text) this.#replies.set(id, text);
    else this.#replies.delete(id);
    this.#keep();
  }

  wrapUp(id: string): WrapUp {
    return this.#wrapUps.get(id) ?? empty;
  }

  hasWrapUp(id: string): boolean {
    const w = this.wrapUp(id);
    return w.disposition !== '' || w.note.trim() !== '';
  }

  setWrapUp(id: string, change: Partial<WrapUp>): void {
    this.#wrapUps.set(id, { ...this.wrapUp(id), ...change });
    this.#keep();
  }

  forget(id: string): void {
    this.#replies.delete(id);
    this.#wrapUps.delete(id);
    this.#keep();
  }

  clear(): void {
    this.#replies.clear();
    this.#wrapUps.clear();
    this.#keep();
  }

  #keep(): void {
    try {
      sessionStorage.setItem(key, JSON.stringify({ replies: [...this.#replies], wrapUps: [...this.#wrapUps] }));
    } catch {
      // The draft lives on in this page.
    }
  }
}
