import { createContext } from 'svelte';
import type { Desk } from './desk.svelte';

/** useDesk is the one desk of this page, for every component below App. */
export const [useDesk, provideDesk] = createContext<Desk>();
