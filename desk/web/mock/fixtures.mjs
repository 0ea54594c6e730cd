// Film A as JSON: Giulia Rossi stopped at payment, wrote a mail, and calls. Fictional throughout.

export const base = Date.parse('2026-11-19T09:41:02+01:00');
const at = (text) => new Date(text.length > 6 ? `${text}+01:00` : `2026-11-19T${text}:00+01:00`).toISOString();
const iso = (ms) => new Date(ms).toISOString();

const L = (en, it) => ({ en, it });
export const queues = {
  checkout: L('Checkout', 'Cassa'),
  delivery: L('Delivery', 'Consegne'),
  returns: L('Returns', 'Resi'),
};

export const config = {
  dispositions: [
    { id: 'purchase', label: L('Purchase completed', 'Acquisto concluso') },
    { id: 'answered', label: L('Answered, no purchase', 'Risposta data, nessun acquisto') },
    { id: 'callback', label: L('Call back later', 'Da richiamare') },
    { id: 'retry', label: L('Will retry payment', 'Riproverà il pagamento') },
    { id: 'passed', label: L('Passed to someone else', 'Passato ad altri') },
    { id: 'dropped', label: L('Dropped or silent', 'Caduta o muta') },
  ],
  reasons: [
    { id: 'break', label: L('Break', 'Pausa') },
    { id: 'lunch', label: L('Lunch', 'Pranzo') },
    { id: 'meeting', label: L('Meeting', 'Riunione') },
    { id: 'training', label: L('Training', 'Formazione') },
  ],
  languages: ['en', 'it'],
  demo: false,
};

const ev = (id, when, channel, dir, kind, more = {}) => ({ id, at: at(when), channel, dir, kind, answered: false, ...more });

const step = (id, when, name, no, more = {}) =>
  ev(id, when, 'web', 'indirect', 'step', { attrs: { form: 'checkout', step: name, step_no: String(no), steps: '4', value: '84.90', currency: 'EUR' }, ...more });

export function giuliaEvents() {
  return [
    ev('e_010', '2026-11-14T18:02:00', 'voice', 'in', 'call', { text: '4:10 with Marta Conti. Asked if the merino throw itches; undecided.', attrs: { agent: 'Marta Conti', talk: '250', result: 'handled' } }),
    ev('e_011', '2026-11-17T12:20:00', 'sms', 'in', 'message', { text: 'Ciao, il codice LANA10 non funziona. Mi aiutate?', answered: true }),
    ev('e_012', '2026-11-17T12:31:00', 'sms', 'out', 'message', { text: 'Buongiorno Giulia, LANA10 vale fino a domenica e sopra i 60 euro.' }),
    ev('e_013', '2026-11-18T20:55:00', 'email', 'out', 'message', { title: 'Il tuo carrello ti aspetta', text: '', body: 'r_013' }),
    ev('e_014', '2026-11-18T21:14:00', 'email', 'in', 'message', { title: 'Consegna?', text: 'Buonasera, se ordino entro giovedì la coperta arriva prima di sabato? È un regalo.', body: 'r_014' }),
    ev('e_015', '09:33', 'web', 'indirect', 'link_opened', { text: 'Opened the cart from the link in the e-mail. 2 items.' }),
    ev('e_016', '2026-11-19T09:34:10', 'web', 'indirect', 'page', { attrs: { path: '/carrello', title: 'Carrello' } }),
    step('e_017', '2026-11-19T09:34:20', 'cart', 1),
    ev('e_018', '2026-11-19T09:35:00', 'web', 'indirect', 'page', { attrs: { path: '/cassa/consegna', title: 'Consegna' } }),
    step('e_019', '2026-11-19T09:36:00', 'delivery', 2),
    ev('e_020', '2026-11-19T09:38:00', 'web', 'indirect', 'page', { attrs: { path: '/cassa/pagamento', title: 'Pagamento' } }),
    step('e_021', '2026-11-19T09:39:00', 'payment', 3),
    ev('e_022', '2026-11-19T09:39:20', 'web', 'indirect', 'error', { attrs: { form: 'checkout', step: 'payment', message: 'Card declined twice: bank confirmation not completed' } }),
  ];
}

export function giulia() {
  return {
    tier: 'D2',
    name: 'Giulia Rossi',
    phone: '+39 347 ••• 4419',
    email: 'g••••••@posta.example',
    lang: 'it',
    proof: [
      { kind: 'ani_sms', confidence: 0.9, at: at('2026-11-17T12:20:00'), counts: true },
      { kind: 'form_phone', confidence: 0.85, at: at('09:36'), counts: false },
    ],
    channels: 4,
    since: at('2026-11-14T18:02:00'),
    last_web: {
      page: '/cassa/pagamento',
      form: 'checkout',
      step: 'payment',
      step_no: 3,
      steps: 4,
      at: at('2026-11-19T09:39:00'),
      filled: [{ name: 'name' }, { name: 'address' }, { name: 'postcode', value: '37121' }, { name: 'delivery', value: 'express' }],
      empty: ['card_number', 'card_expiry'],
      cart: [
        { name: 'Coperta merino grigia', price: '54.00' },
        { name: 'Sciarpa verde felce', price: '25.00' },
        { name: 'Express', price: '5.90' },
      ],
      total: '84.90',
      currency: 'EUR',
      errors: [],
    },
    goal: { name: 'buy', opened_at: at('2026-11-14T18:02:00'), contacts: 4 },
    cases: [],
    health: [
      { good: false, code: 'error_twice', text: 'card declined', at: at('09:39') },
      { good: false, code: 'message_waits', text: 'Consegna?', at: at('2026-11-18T21:14:00') },
      { good: true, code: 'message_solved', text: '', at: at('2026-11-17T12:31:00') },
    ],
    events: giuliaEvents(),
    earlier: 6,
    closed: ['fields'],
    sentence: {
      en: "Giulia Rossi, stopped at payment, step 3 of 4, two minutes ago, 84.90 euro; e-mail 'Consegna?' unanswered since 21:14",
      it: 'Giulia Rossi, ferma al pagamento, passo 3 di 4, due minuti fa, 84,90 euro; e-mail «Consegna?» senza risposta dalle 21:14',
    },
    headline: {
      who: 'Giulia Rossi',
      reason: 'abandoned-checkout',
      stage: 'payment',
      step_no: 3,
      steps: 4,
      stopped_at: at('2026-11-19T09:39:00'),
      value: '84.90',
      currency: 'EUR',
      unanswered: { event: 'e_014', channel: 'email', subject: 'Consegna?', since: at('2026-11-18T21:14:00') },
    },
  };
}

const shutAttrs = (a) => (a ? Object.fromEntries(Object.entries(a).filter(([k]) => ['form', 'step', 'step_no', 'steps'].includes(k))) : {});

/** possible is the same thread at D1: the phone was typed in a form, nothing more. */
export function possible() {
  const full = giulia();
  return {
    tier: 'D1',
    phone: full.phone,
    proof: [{ kind: 'form_phone', confidence: 0.85, at: at('09:36'), counts: true }],
    channels: 3,
    last_web: { form: 'checkout', step: 'payment', step_no: 3, steps: 4, at: at('09:39'), filled: [], empty: [], cart: [] },
    cases: [],
    health: [],
    events: full.events
      .filter((e) => Date.parse(e.at) > Date.parse(at('2026-11-18T21:00:00')) && e.kind !== 'error')
      .map((e) => ({ ...e, title: undefined, text: undefined, body: undefined, attrs: { ...shutAttrs(e.attrs), ...(e.kind === 'message' ? { reason: 'delivery' } : {}) }, closed: e.kind !== 'step' })),
    earlier: 0,
    closed: ['name', 'email', 'thread', 'bodies', 'fields', 'goal'],
    sentence: {
      en: 'Possible match, stopped at payment, step 3 of 4, two minutes ago',
      it: 'Corrispondenza possibile, ferma al pagamento, passo 3 di 4, due minuti fa',
    },
    headline: { reason: 'abandoned-checkout', stage: 'payment', step_no: 3, steps: 4, stopped_at: at('09:39'), unanswered: { event: 'e_014', channel: 'email', since: at('2026-11-18T21:14:00') } },
  };
}

export function hannah() {
  return {
    tier: 'D2',
    name: 'Hannah Clarke',
    phone: '+44 7700 ••• 812',
    email: 'h••••••@mail.example',
    lang: 'en',
    proof: [{ kind: 'mail_from', confidence: 0.95, at: at('08:12'), counts: true }],
    channels: 2,
    since: at('2026-11-16T22:08:00'),
    last_web: null,
    goal: { name: 'return', opened_at: at('2026-11-18T17:40:00'), contacts: 2 },
    cases: [{ id: 'case_1', title: 'Wrong colour received', owner: 'Paola Ferri', opened_at: at('08:12'), state: 'open' }],
    health: [{ good: false, code: 'message_waits', text: 'Wrong colour received', at: at('08:12') }],
    events: [
      ev('e_100', '2026-11-16T22:08:00', 'web', 'indirect', 'page', { text: 'Tracked parcel 1Z 48190 twice, then the returns page.', attrs: { path: '/returns' } }),
      ev('e_101', '2026-11-18T17:40:00', 'voice', 'in', 'call', { text: '2:05 with Luca Bianchi. How to return; wants an exchange.', attrs: { agent: 'Luca Bianchi', talk: '125' } }),
      ev('e_102', '08:12', 'email', 'in', 'message', {
        title: 'Wrong colour received',
        contact: 'c_mail',
        body: 'r_102',
        text: 'Hello, I ordered the fern green scarf and a blue one came. I fly home on Saturday, so please tell me whether you can swap it before then. I would rather have the green one than the money.\n\nHannah',
      }),
    ],
    earlier: 2,
    closed: ['fields'],
    sentence: { en: "Hannah Clarke; e-mail 'Wrong colour received' unanswered since 08:12", it: 'Hannah Clarke; e-mail «Wrong colour received» senza risposta dalle 08:12' },
    headline: { who: 'Hannah Clarke', unanswered: { event: 'e_102', channel: 'email', subject: 'Wrong colour received', since: at('08:12') } },
  };
}

export function alessandra() {
  return {
    tier: 'D2',
    name: 'Alessandra Bartolomei',
    phone: '+39 333 ••• 0187',
    lang: 'it',
    proof: [{ kind: 'sms_from', confidence: 0.9, at: at('09:20'), counts: true }],
    channels: 2,
    since: at('2026-11-12T10:15:00'),
    last_web: null,
    goal: { name: 'return', opened_at: at('2026-11-12T10:15:00'), contacts: 2 },
    cases: [],
    health: [{ good: true, code: 'order', text: '', at: at('2026-11-10T18:30:00') }],
    events: [
      ev('e_200', '2026-11-12T10:15:00', 'voice', 'in', 'call', { text: '3:32 with Paola Ferri. Return of a throw agreed, courier to be booked.', attrs: {} }),
      ev('e_201', '2026-11-18T16:02:00', 'sms', 'out', 'message', { text: 'Buonasera Alessandra, quando può passare il corriere per il reso?' }),
      ev('e_202', '09:20', 'sms', 'in', 'message', { text: 'Domani mattina dopo le 9 va bene. Ritiro del reso a domicilio, grazie.', contact: 'c_sms' }),
    ],
    earlier: 0,
    sentence: { en: 'Alessandra Bartolomei; SMS unanswered since 09:20', it: 'Alessandra Bartolomei; SMS senza risposta dalle 09:20' },
    headline: { who: 'Alessandra Bartolomei', unanswered: { event: 'e_202', channel: 'sms', since: at('09:20') } },
  };
}

const skipped = () => ({ rule: 'abandoned-checkout', confidence: 0.9, age_ms: 120_000, digits: [] });
const whyText = {
  en: ['You: checkout 90, idle 4 min. Marta: 70. Davide: 90, busy.', 'IVR skipped: rule abandoned-checkout, confidence .90, 2 min old.'],
  it: ['Tu: checkout 90, in attesa da 4 min. Marta: 70. Davide: 90, occupato.', 'IVR saltato: regola abandoned-checkout, confidenza 0,90, 2 min fa.'],
};

export function offer(now, view = giulia()) {
  return {
    id: '1-7',
    contact: 'c_giulia',
    channel: 'voice',
    queue: 'checkout',
    queue_label: queues.checkout,
    expires: iso(now + 14_000),
    timeout_ms: 20_000,
    subject: '',
    peer: '+39 347 ••• 4419',
    view,
    why: why(),
    why_text: whyText,
    skipped: skipped(),
    next: 'Marta Conti',
    phone: false,
  };
}

function why() {
  return {
    offer: '1-7',
    key: 'proficiency',
    considered: 6,
    took: 6_100,
    waited: 400_000,
    more: 0,
    agents: [
      agent('paola', 'Paola Ferri', 90, 252, 'chosen'),
      agent('marta', 'Marta Conti', 70, 664, 'eligible'),
      agent('tommaso', 'Tommaso Riva', 60, 280, 'eligible'),
      agent('davide', 'Davide Lombardi', 90, 0, 'busy'),
      agent('sara', 'Sara Villa', 80, 0, 'not_ready'),
      agent('ivo', 'Ivo Marchetti', 40, 391, 'skill'),
    ],
  };
}

const agent = (id, name, level, idle, verdict) => ({ agent: id, name, skills: [{ name: 'checkout', level }], idle: idle * 1e9, load: 0, verdict });

export function callContact(now, more = {}) {
  return {
    id: 'c_giulia',
    channel: 'voice',
    state: 'connected',
    queue: 'checkout',
    queue_label: queues.checkout,
    since: iso(now),
    subject: '',
    peer: '+39 347 ••• 4419',
    view: giulia(),
    why_text: whyText,
    skipped: skipped(),
    hold: false,
    muted: false,
    wrap_up_ends: null,
    deadline: null,
    reply: null,
    line_lost: false,
    call: call(),
    consult: null,
    ...more,
  };
}

/** call is how a connected call stands. */
export function call(more = {}) {
  return { hold: false, muted: false, line_lost: false, recording: 'off', consult: null, monitor: null, ...more };
}

export const consultWith = (state, to = { agent: 'marta' }, name = 'Marta Conti') => ({ to, name, state });

/** consulted is the contact of a colleague who asks for help: the same thread. */
export function consulted(now, more = {}) {
  return callContact(now, { id: 'c_help', consult: { contact: 'c_giulia', by: 'marta', name: 'Marta Conti' }, skipped: null, why_text: { en: [], it: [] }, ...more });
}

export function consultOffer(now) {
  return { ...offer(now), id: '1-9', contact: 'c_help', skipped: null, next: '', why_text: { en: ['Marta asks for you.'], it: ['Marta chiede di te.'] }, consult: { contact: 'c_giulia', by: 'marta', name: 'Marta Conti' } };
}

export const directory = {
  agents: [
    { id: 'aoife', name: 'Aoife Byrne', state: 'ready' },
    { id: 'beatrice', name: 'Beatrice Fontanelli', state: 'busy' },
    { id: 'carlo', name: 'Carlo De Santis', state: 'wrap_up' },
    { id: 'davide', name: 'Davide Lombardi', state: 'busy' },
    { id: 'ivo', name: 'Ivo Marchetti', state: 'ready' },
    { id: 'luca', name: 'Luca Bianchi', state: 'not_ready' },
    { id: 'marta', name: 'Marta Conti', state: 'ready' },
    { id: 'noemi', name: 'Noemi Greco', state: 'logged_out' },
    { id: 'tommaso', name: 'Tommaso Riva', state: 'ready' },
  ],
  queues: [
    { id: 'checkout', label: queues.checkout },
    { id: 'delivery', label: queues.delivery },
    { id: 'returns', label: queues.returns },
  ],
  numbers: true,
};

export function mailContact(more = {}) {
  return {
    ...callContact(Date.parse(at('09:38'))),
    id: 'c_mail',
    call: null,
    channel: 'email',
    queue: 'returns',
    queue_label: queues.returns,
    subject: 'Wrong colour received',
    peer: 'h••••••@mail.example',
    view: hannah(),
    skipped: null,
    deadline: at('10:10'),
    reply: { to: 'h••••••@mail.example', subject: 'Re: Wrong colour received', max: 65_536 },
    ...more,
  };
}

export function smsContact(more = {}) {
  return {
    ...callContact(Date.parse(at('09:30'))),
    id: 'c_sms',
    call: null,
    channel: 'sms',
    queue: 'returns',
    queue_label: queues.returns,
    subject: 'Domani mattina dopo le 9 va bene.',
    peer: '+39 333 ••• 0187',
    view: alessandra(),
    skipped: null,
    deadline: at('11:12'),
    reply: { to: '+39 333 ••• 0187', subject: '', max: 1_600 },
    ...more,
  };
}

export function agentState(now, state, ago, reason = '') {
  return {
    id: 'paola',
    name: 'Paola Ferri',
    state,
    ready: state !== 'not_ready',
    reason,
    since: iso(now - ago),
    capacity: { voice: [state === 'ready' ? 0 : 1, 1], email: [1, 2], sms: [1, 2] },
  };
}

export const myQueues = (waiting) => [
  { id: 'checkout', label: queues.checkout, waiting, longest_ms: waiting ? 6_000 : 0 },
  { id: 'delivery', label: queues.delivery, waiting: 0, longest_ms: 0 },
  { id: 'returns', label: queues.returns, waiting: 5, longest_ms: 6_720_000 },
];

export function liveStep(now) {
  return { id: 'e_030', at: iso(now), channel: 'web', dir: 'indirect', kind: 'step', answered: false, attrs: { form: 'checkout', step: 'payment', step_no: '3', steps: '4', value: '84.90', currency: 'EUR' } };
}

export function orderEvent(now) {
  return { id: 'e_031', at: iso(now), channel: 'web', dir: 'indirect', kind: 'order', answered: false, attrs: { order: '48213', value: '84.90', currency: 'EUR' } };
}

export function floor(now) {
  const w = (contact, channel, ago, target) => ({ contact, channel, since: iso(now - ago), deadline: iso(now - ago + target) });
  const h = 3_600_000;
  const q = (id, label, target_ms, waiting, in_time, lost, ready, on) => ({ id, label, waiting, target_ms, in_time, lost, ready, on });
  const a = (id, name, state, s, more = {}) => ({ id, name, state, reason: '', since: iso(now - s * 1000), contacts: [], skills: {}, ...more });
  let n = 0;
  const c = (channel, queue, ago = 90) => ({ contact: `c_f${++n}`, channel, state: 'connected', queue, since: iso(now - ago * 1000), consult: false });
  const wrap = (queue) => ({ ...c('voice', queue), state: 'wrap_up' });
  return {
    queues: [
      q('checkout', queues.checkout, 20_000, [w('1', 'voice', 6_000, 20_000)], 0.842, 0.031, 2, 6),
      q('delivery', queues.delivery, 20_000, [w('2', 'voice', 16_000, 20_000), w('3', 'voice', 9_000, 20_000), w('4', 'voice', 2_400, 20_000)], 0.806, 0.044, 0, 5),
      q('returns', queues.returns, 4 * h, [w('5', 'email', 0.33 * 4 * h, 4 * h), w('6', 'email', 0.25 * 4 * h, 4 * h), w('7', 'sms', 0.47 * 4 * h, 4 * h), w('8', 'email', 0.15 * 4 * h, 4 * h), w('9', 'email', 0.05 * 4 * h, 4 * h)], 0.96, 0.006, 0, 4),
      q('invoices', L('Invoices', 'Fatture'), 8 * h, [w('10', 'email', 9.34 * h, 8 * h), w('11', 'email', 7 * h, 8 * h), w('12', 'email', 4 * h, 8 * h)], 0.713, 0.02, 0, 2),
      q('english', L('English line', 'Linea inglese'), 60_000, [], -1, 0, 2, 4),
    ],
    agents: [
      a('marta', 'Marta Conti', 'ready', 664, { skills: { checkout: 70 } }),
      a('ivo', 'Ivo Marchetti', 'ready', 391, { skills: { returns: 80 } }),
      a('tommaso', 'Tommaso Riva', 'ready', 280, { skills: { checkout: 60 } }),
      a('aoife', 'Aoife Byrne', 'ready', 132, { skills: { english: 90, returns: 60 } }),
      a('paola', 'Paola Ferri', 'reserved', 6, { skills: { checkout: 90 } }),
      a('davide', 'Davide Lombardi', 'busy', 320, { contacts: [c('voice', 'checkout', 320)] }),
      a('priya', 'Priya Nair', 'busy', 122, { contacts: [c('voice', 'delivery'), c('email', 'returns'), c('email', 'returns')] }),
      a('carlo', 'Carlo De Santis', 'busy', 48, { contacts: [c('sms', 'returns'), c('sms', 'returns')] }),
      a('beatrice', 'Beatrice Fontanelli', 'busy', 555, { contacts: [c('voice', 'delivery')] }),
      ...[1, 2, 3].map((i) => a(`x${i}`, `Operatrice ${i}`, 'busy', 60 * i, { contacts: [c('voice', 'delivery')] })),
      a('noemi', 'Noemi Greco', 'wrap_up', 51, { contacts: [wrap('delivery')] }),
      a('jonas', 'Jonas Weber', 'wrap_up', 8, { contacts: [wrap('checkout')] }),
      a('luca', 'Luca Bianchi', 'not_ready', 760, { reason: 'break' }),
      a('sara', 'Sara Villa', 'not_ready', 65, { reason: 'rona' }),
    ],
    sl: {
      value: 0.819,
      target: 0.8,
      answered: 1000,
      in_time: 860,
      abandoned: 60,
      short: 10,
      variants: { standard: 0.819, strict: 0.811, neutral: 0.827, optimistic: 0.83, ignoring_abandons: 0.86 },
    },
    decisions: [
      { offer: '1-7', contact: 'c_giulia', agent: 'paola', name: 'Paola Ferri', queue: 'checkout', at: iso(now - 6_000), why: why(), why_text: { en: [], it: [] } },
      { offer: '1-6', contact: 'c_2', agent: 'davide', name: 'Davide Lombardi', queue: 'checkout', at: iso(now - 320_000), why: { ...why(), offer: '1-6' }, why_text: { en: [], it: [] } },
      { offer: '1-5', contact: 'c_3', agent: 'beatrice', name: 'Beatrice Fontanelli', queue: 'delivery', at: iso(now - 555_000), why: { ...why(), offer: '1-5', key: 'longest_idle' }, why_text: { en: [], it: [] } },
    ],
  };
}

export const bodies = {
  r_014: '<p>Buonasera,</p><p>se ordino entro giovedì la coperta arriva prima di sabato? È un regalo per un matrimonio a Verona e vorrei portarla con me. Se non arriva in tempo preferisco ritirarla in negozio.</p><p>Grazie, Giulia</p>',
  r_102: '<p>Hello,</p><p>I ordered the <b>fern green</b> scarf and a blue one came. I fly home on Saturday, so please tell me whether you can swap it before then. I would rather have the green one than the money.</p><p>Hannah</p>',
};
