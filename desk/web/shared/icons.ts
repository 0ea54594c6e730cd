// Drawings of 24 units, stroke only unless class f. One map for desk, shop and widget.
export const icons = {
  web: '<rect x="3" y="4.5" width="18" height="15" rx="2"/><path d="M3 9h18"/>',
  mail: '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6.5L20.5 7"/>',
  sms: '<path d="M4 4.5h16v12h-8.5L7 20.5v-4H4z"/><path d="M8 10.5h.01M12 10.5h.01M16 10.5h.01" stroke-width="2.4"/>',
  call: '<path d="M6.3 3.6 9.3 3l1.9 4.5-2.2 1.9c1.1 2.4 3 4.4 5.5 5.6l2-2.2 4.5 2-.6 3c-.3 1.7-1.7 2.9-3.4 2.7C9.8 19.7 4.3 14.2 3.6 7c-.2-1.7 1-3.1 2.7-3.4z"/>',
  hold: '<path d="M8.5 5v14M15.5 5v14" stroke-width="2.5"/>',
  play: '<path d="M8 5.5v13l10.500-6.500z"/>',
  mic: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3"/>',
  micoff: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3M4 3l16 18"/>',
  fwd: '<path d="M4 17c0-5 3-8 8-8h7M15 4.500 19.500 9 15 13.500"/>',
  pad: '<path d="M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01" stroke-width="3.2"/>',
  end: '<path d="M3 14.500c0-1.500.4-2.700 1.300-3.400C6.500 9.300 9 8.500 12 8.500s5.500.8 7.700 2.600c.9.7 1.300 1.900 1.300 3.400l-4.500 1-1-3.200c-2.300-.7-4.700-.7-7 0l-1 3.200z"/>',
  flag: '<path d="M5 21V4h13l-3 4 3 4H5"/>',
  clock: '<circle cx="12" cy="12" r="8.500"/><path d="M12 7v5l3.500 2"/>',
  ok: '<path d="m4.500 12.500 5 5 10-11"/>',
  x: '<path d="m6 6 12 12M18 6 6 18"/>',
  alert: '<path d="M12 3.500 22 20.500H2zM12 10v4.500M12 17.300v.01"/>',
  lock: '<rect x="5" y="10.500" width="14" height="10" rx="2"/><path d="M8 10.500V7.500a4 4 0 0 1 8 0v3"/>',
  find: '<circle cx="10.500" cy="10.500" r="6.500"/><path d="m15.500 15.500 5 5"/>',
  dot: '<circle class="f" cx="12" cy="12" r="6"/>',
  down: '<path d="m6 9 6 6 6-6"/>',
  up: '<path d="M12 20V5M5.500 11.500 12 5l6.500 6.500"/>',
  fall: '<path d="M12 4v15M5.500 12.500 12 19l6.500-6.500"/>',
  note: '<path d="M5 3.500h10l4 4v13H5zM9 12h6M9 16h4"/>',
  gear: '<circle cx="12" cy="12" r="3.200"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.200 2.200M16.200 16.200l2.200 2.200M5.600 18.400l2.200-2.200M16.200 7.800l2.200-2.200"/>',
  bell: '<path d="M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15zM10 20.500h4"/>',
  headset: '<path d="M4 14v-2a8 8 0 0 1 16 0v2M4 14h3.500v5.500H5.500L4 18zM20 14h-3.500v5.500h2L20 18zM18.500 19.500c0 1.500-2 2-5 2"/>',
  user: '<circle cx="12" cy="8" r="4"/><path d="M4.500 20.500c.8-4 3.700-6 7.500-6s6.700 2 7.500 6"/>',
  's-ready': '<circle cx="12" cy="12" r="8" stroke-width="3"/>',
  's-res': '<circle cx="12" cy="12" r="8" stroke-width="2.500" stroke-dasharray="5 3.400"/><circle class="f" cx="12" cy="12" r="3.500"/>',
  's-busy': '<circle class="f" cx="12" cy="12" r="9.500"/>',
  's-wrap': '<circle cx="12" cy="12" r="8" stroke-width="3"/><path class="f" d="M12 4a8 8 0 0 1 0 16z"/>',
  's-off': '<circle cx="12" cy="12" r="8" stroke-width="3"/><path d="M6.500 17.500l11-11" stroke-width="3"/>',
} as const;

export type IconName = keyof typeof icons;

/** mark is the sign of Filo, drawn on 20 x 24 units. */
export const mark = 'M2 3.500c8 .5 12.500 5.500 12.500 11.500a4.700 4.700 0 0 1-9.400 0C5.100 10 11 8 18.500 9.500';
