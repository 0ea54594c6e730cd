// What a user chooses for this browser. Kept locally.

export interface Settings {
  lang: 'en' | 'it' | ''; // '' is the user's own, from the server
  theme: 'auto' | 'light' | 'dark';
  singleKeys: boolean;
  mic: string; // device ids, '' is the default
  voice: string;
  ring: string;
  volume: number; // 0..1
  headset: boolean; // the warning was understood
}

const key = 'filo.settings';

export const defaults: Settings = {
  lang: '',
  theme: 'auto',
  singleKeys: true,
  mic: '',
  voice: '',
  ring: '',
  volume: 0.6,
  headset: false,
};

export function load(store: Pick<Storage, 'getItem'> | undefined = globalThis.localStorage): Settings {
  try {
    return { ...defaults, ...(JSON.parse(store?.getItem(key) ?? '{}') as Partial<Settings>) };
  } catch {
    return { ...defaults };
  }
}

export function save(settings: Settings): void {
  try {
    localStorage.setItem(key, JSON.stringify(settings));
  } catch {
    // A full or forbidden store only means that the choice is not kept.
  }
}

/** showTheme sets or clears the manual theme on the page. */
export function showTheme(theme: Settings['theme']): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
