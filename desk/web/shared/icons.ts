// Drawings of 24 units, stroke only unless class f. One map for desk, shop and widget.
export const icons = {
  web: '<rect x="3" y="4.5" width="18" height="15" rx="2"/><path d="M3 9h18"/>',
  mail: '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6.5L20.5 7"/>',
  sms: '<path d="M4 4.5h16v12h-8.5L7 20.5v-4H4z"/><path d="M8 10.5h.01M12 10.5h.01M16 10.5h.01" stroke-width="2.4"/>',
  call: '<path d="M6.3 3.6 9.3 3l1.9 4.5-2.2 1.9c1.1 2.4 3 4.4 5.5 5.6l2-2.2 4.5 2-.6 3c-.3 1.7-1.7 2.9-3.4 2.7C9.8 19.7 4.3 14.2 3.6 7c-.2-1.7 1-3.1 2.7-3.4z"/>',
  hold: '<path d="M8.5 5v14M15.5 5v14" stroke-width="2.5"/>',
  play: '<path d="M8 5.5v13l10.5-6.5z"/>',
  mic: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>',
  micoff: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M4 3l16 18"/>',
  fwd: '<path d="M4 17c0-5 3-8 8-8h7M15 4.5 19.5 9 15 13.5"/>',
  pad: '<path d="M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01" stroke-width="3.2"/>',
  end: '<path d="M3 14.5c0-1.5.4-2.7 1.3-3.4C6.5 9.3 9 8.5 12 8.5s5.5.8 7.7 2.6c.9.7 1.3 1.9 1.3 3.4l-4.5 1-1-3.2c-2.3-.7-4.7-.7-7 0l-1 3.2z"/>',
  flag: '<path d="M5 21V4h13l-3 4 3 4H5"/>',
  clock: '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>',
  ok: '<path d="m4.5 12.5 5 5 10-11"/>',
  x: '<path d="m6 6 12 12M18 6 6 18"/>',
  alert: '<path d="M12 3.5 22 20.5H2zM12 10v4.5M12 17.3v.01"/>',
  lock: '<rect x="5" y="10.5" width="14" height="10" rx="2"/><path d="M8 10.5V7.5a4 4 0 0 1 8 0v3"/>',
  find: '<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>',
  dot: '<circle class="f" cx="12" cy="12" r="6"/>',
  down: '<path d="m6 9 6 6 6-6"/>',
  up: '<path d="M12 20V5M5.5 11.5 12 5l6.5 6.5"/>',
  fall: '<path d="M12 4v15M5.5 12.5 12 19l6.5-6.5"/>',
  note: '<path d="M5 3.5h10l4 4v13H5zM9 12h6M9 16h4"/>',
  gear: '<path d="M3.5 7h9M18.5 7h2M3.5 17h2M11.5 17h9"/><circle cx="15.5" cy="7" r="3"/><circle cx="8.5" cy="17" r="3"/>',
  bell: '<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4"/>',
  headset: '<path d="M4 14v-2a8 8 0 0 1 16 0v2M4 14h3.5v5.5H5.5L4 18zM20 14h-3.5v5.5h2L20 18zM18.5 19.5c0 1.5-2 2-5 2"/>',
  user: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.8-4 3.7-6 7.5-6s6.7 2 7.5 6"/>',
  's-ready': '<circle cx="12" cy="12" r="8" stroke-width="3"/>',
  's-res': '<circle cx="12" cy="12" r="8" stroke-width="2.5" stroke-dasharray="5 3.4"/><circle class="f" cx="12" cy="12" r="3.5"/>',
  's-busy': '<circle class="f" cx="12" cy="12" r="9.5"/>',
  's-wrap': '<circle cx="12" cy="12" r="8" stroke-width="3"/><path class="f" d="M12 4a8 8 0 0 1 0 16z"/>',
  's-off': '<circle cx="12" cy="12" r="8" stroke-width="3"/><path d="M6.5 17.5l11-11" stroke-width="3"/>',
} as const;

export type IconName = keyof typeof icons;

/** mark is the sign of Filo, drawn on 20 x 24 units. */
export const mark = 'M2 3.5c8 .5 12.5 5.5 12.5 11.5a4.7 4.7 0 0 1-9.4 0C5.1 10 11 8 18.5 9.5';
