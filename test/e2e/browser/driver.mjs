// A Chromium that a Go test drives: one JSON command a line on stdin, one JSON answer a
// line on stdout. It knows how to look and to act as a person would, by role and name, and
// how to listen; it knows nothing of Filo beyond the two audio elements' names.
//
//   node driver.mjs TONE.wav        the file is what the microphone hears
//
//   {"id":1,"tab":"desk","do":"press","keys":"Alt+a"}   ->   {"id":1,"value":null} or {"id":1,"error":"..."}
//
// It ends with its stdin, and takes the browser with it.

import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

const web = createRequire(new URL('../../../desk/web/package.json', import.meta.url));
const { chromium } = web('playwright-core');
const { AxeBuilder } = web('@axe-core/playwright');

const nearHz = 12; // how far a measured peak may be from the tone
const audibleDB = -70; // below this an analyser's bin is silence
const clearDB = -55; // a tone that somebody says is louder than this
const farBelowDB = 32; // what a codec makes of one tone at the place of another is this far below it
const heldFor = 200; // ms that a tone must be the strongest: an analyser's whole window
const listenEvery = 40; // ms

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    '--no-sandbox',
    '--headless=new',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${process.argv[2]}`,
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
});

const tabs = new Map();

class Tab {
  problems = []; // console errors, CSP violations, exceptions
  requests = []; // "METHOD url"
  frames = []; // what came over WebSockets, text only

  async open({ permissions, script, files }) {
    this.context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: 'en-GB',
      timezoneId: 'Europe/Rome',
      reducedMotion: 'reduce',
      colorScheme: 'light',
      permissions: permissions ?? ['microphone'],
    });
    if (script) await this.context.addInitScript(script);
    for (const [path, json] of Object.entries(files ?? {})) {
      await this.context.route((url) => url.pathname === path, (route) => route.fulfill({ json }));
    }
    this.page = await this.context.newPage();
    this.page.on('console', (m) => m.type() === 'error' && this.problems.push(m.text()));
    this.page.on('pageerror', (e) => this.problems.push(String(e)));
    this.page.on('request', (r) => this.requests.push(`${r.method()} ${r.url()}`));
    this.page.on('websocket', (ws) => ws.on('framereceived', ({ payload }) => typeof payload === 'string' && this.frames.push(payload)));
  }

  /** find resolves a place: {role, name, pattern, exact, pressed, checked | label | testid | css | text, first, in, frame}. */
  find(at) {
    let from = at.in ? this.find(at.in) : this.page;
    if (at.frame) from = from.frameLocator(at.frame);
    const name = at.name && (at.pattern ? new RegExp(at.name) : at.name);
    let found;
    if (at.role) found = from.getByRole(at.role, { name: name || undefined, exact: at.exact, pressed: at.pressed, checked: at.checked });
    else if (at.label) found = from.getByLabel(at.label, { exact: true });
    else if (at.testid) found = from.getByTestId(at.testid);
    else if (at.css) found = from.locator(at.css);
    else found = from.getByText(at.text, { exact: at.exact });
    if (at.text && (at.role || at.testid || at.css)) found = found.filter({ hasText: at.text });
    return at.first ? found.first() : found;
  }
}

/** heard is the loudest frequency that an audio element receives, and how loud those asked for are; null without a stream. */
function heard({ element, asked, near }) {
  const stream = document.querySelector(element)?.srcObject;
  if (!stream) return null;
  let ear = window.__ear;
  if (ear?.stream !== stream) {
    ear?.sound.close();
    const sound = new AudioContext();
    const analyser = sound.createAnalyser();
    analyser.fftSize = 8192; // 5.9 Hz a bin at 48 kHz
    analyser.smoothingTimeConstant = 0;
    sound.createMediaStreamSource(stream).connect(analyser);
    ear = window.__ear = { stream, sound, analyser, bins: new Float32Array(analyser.frequencyBinCount) };
    void sound.resume();
  }
  ear.analyser.getFloatFrequencyData(ear.bins);
  const bin = ear.sound.sampleRate / ear.analyser.fftSize;
  const at = asked.map((hz) => Math.max(-1000, ...ear.bins.slice(Math.floor((hz - near) / bin), Math.ceil((hz + near) / bin) + 1)));
  let top = 0;
  ear.bins.forEach((db, i) => db > ear.bins[top] && (top = i));
  const [left, peak, right] = [ear.bins[top - 1], ear.bins[top], ear.bins[top + 1]];
  if (!Number.isFinite(left + peak + right)) return { hz: 0, db: -1000, at };
  const between = (left - right) / (2 * (left - 2 * peak + right)); // of two bins: a parabola through the three
  return { hz: (top + between) * bin, db: peak, at };
}

const silent = (db, loudest) => db <= audibleDB || db <= loudest - farBelowDB;

const verbs = {
  open: async (_, c) => {
    const tab = new Tab();
    tabs.set(c.tab, tab);
    await tab.open(c);
  },
  goto: async (t, c) => void (await t.page.goto(c.url)),
  reload: async (t) => void (await t.page.reload({ waitUntil: 'commit' })),
  close: async (t, c) => {
    tabs.delete(c.tab);
    await t.context.close();
  },
  press: (t, c) => t.page.keyboard.press(c.keys),
  type: (t, c) => t.page.keyboard.type(c.text),
  click: (t, c) => t.find(c.at).click({ timeout: c.ms }),
  fill: (t, c) => t.find(c.at).fill(c.text, { timeout: c.ms }),
  choose: (t, c) => t.find(c.at).check({ timeout: c.ms }),
  see: (t, c) => t.find(c.at).waitFor({ state: c.gone ? 'hidden' : 'visible', timeout: c.ms }),
  count: (t, c) => t.find(c.at).count(),
  text: (t, c) => t.find(c.at).innerText({ timeout: c.ms }),
  attr: (t, c) => t.find(c.at).getAttribute(c.name, { timeout: c.ms }),
  aria: (t, c) => t.find(c.at).ariaSnapshot({ timeout: c.ms }),
  focus: (t) => t.page.evaluate(() => document.activeElement?.closest('[aria-label]')?.getAttribute('aria-label') ?? document.activeElement?.tagName ?? ''),
  title: (t) => t.page.title(),
  markup: (t) => t.page.content(),
  eval: (t, c) => t.page.evaluate(c.text),
  problems: (t) => t.problems,
  requests: (t) => t.requests,
  frames: (t) => t.frames,
  hears: async (t, c) => {
    const until = Date.now() + c.ms;
    let last = null;
    let since = 0;
    do {
      last = await t.page.evaluate(heard, { element: c.element, asked: [], near: nearHz }).catch(() => null); // the page may be loading
      if (!last || last.db <= audibleDB || Math.abs(last.hz - c.hz) > nearHz) since = 0;
      else since ||= Date.now();
      if (since && Date.now() - since >= heldFor) return { ...last, ago: Date.now() - since };
      await new Promise((done) => setTimeout(done, listenEvery));
    } while (Date.now() < until);
    throw new Error(`${c.hz} Hz not heard; last: ${last ? `${last.hz.toFixed(1)} Hz at ${last.db.toFixed(0)} dB` : 'no stream'}`);
  },
  // Those that should be heard are, and those that should not are not, all at once and for a while.
  tones: async (t, c) => {
    const until = Date.now() + c.ms;
    const asked = [...c.heard, ...c.silent];
    let last = null;
    let since = 0;
    do {
      last = await t.page.evaluate(heard, { element: c.element, asked, near: nearHz }).catch(() => null);
      const right = last && c.heard.every((_, i) => last.at[i] > clearDB) && c.silent.every((_, i) => silent(last.at[c.heard.length + i], last.db));
      if (!right) since = 0;
      else since ||= Date.now();
      if (since && Date.now() - since >= c.held) return asked.map((hz, i) => ({ hz, db: last.at[i] }));
      await new Promise((done) => setTimeout(done, listenEvery));
    } while (Date.now() < until);
    const got = last ? asked.map((hz, i) => `${hz} Hz at ${last.at[i].toFixed(0)} dB`).join(', ') : 'no stream';
    throw new Error(`should hear ${c.heard.join(', ') || 'none'}, and not ${c.silent.join(', ')}: ${got}; loudest ${last?.hz.toFixed(0)} Hz at ${last?.db.toFixed(0)} dB`);
  },
  axe: async (t) => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await new AxeBuilder({ page: t.page }).withTags(tags).exclude('iframe').analyze();
    return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join('; ')}`);
  },
  scheme: (t, c) => t.page.emulateMedia({ colorScheme: c.name }),
  shot: async (t, c) => {
    mkdirSync(dirname(c.path), { recursive: true });
    await t.page.screenshot({ path: c.path });
  },
};

// Commands run at the same time: the test that waits for several things says so itself.
for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  const answer = (a) => process.stdout.write(`${JSON.stringify({ id: c.id, ...a })}\n`);
  Promise.resolve()
    .then(() => verbs[c.do](tabs.get(c.tab), c))
    .then((value) => answer({ value: value ?? null }), (e) => answer({ error: e.message }));
}
await browser.close();
