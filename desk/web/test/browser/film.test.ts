// Film A at the desk, by keyboard alone, with the accessibility tree asserted; and what
// happens when things go wrong.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import { farPackets, launch, stage, type Stage } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const sentence = "Giulia Rossi, stopped at payment, step 3 of 4, two minutes ago, 84.90 euro; e-mail 'Consegna?' unanswered since 21:14";
const lineUp = (page: Page) => page.locator('[data-testid=line][data-state=up]').waitFor();
const posted = (s: Stage, path: string) => s.mock.requests.filter((r) => r.path === path);
const focused = (page: Page) => page.evaluate(() => document.activeElement?.closest('[aria-label]')?.getAttribute('aria-label') ?? document.activeElement?.tagName);

function ringing(s: Stage): void {
  s.mock.push('offer', fx.offer(s.mock.now()));
  (s.mock as unknown as { state: { offers: unknown[] } }).state.offers = [fx.offer(s.mock.now())];
}

test('film A by keyboard alone', async () => {
  const s = await stage(browser, { user: '', scene: 'empty' });
  const { page } = s;
  await page.getByLabel('User').waitFor();
  await page.keyboard.type('paola');
  await page.keyboard.press('Tab');
  await page.keyboard.type('filo');
  await page.keyboard.press('Enter');
  await page.getByText('Ready. The next contact appears here.').waitFor();
  await lineUp(page);

  const before = await focused(page);
  ringing(s);
  const offer = page.getByRole('region', { name: sentence });
  await offer.waitFor();
  expect(await page.getByTestId('said-now').textContent()).toBe(sentence);
  expect(await focused(page)).toBe(before); // an offer does not take the focus
  expect(await page.title()).toContain('Giulia Rossi');
  const tree = await offer.ariaSnapshot();
  expect(tree).toContain(`region "${sentence}"`);
  expect(tree).toMatch(/- paragraph: Incoming call, Checkout/);
  expect(tree).toContain('button "Answer Alt A"');
  expect(tree).toContain('button "Decline Alt D"');
  expect(tree).toContain('You: checkout 90, idle 4 min.');
  expect(tree).toContain('Rule abandoned-checkout, confidence .90');
  const thread = await page.getByRole('region', { name: 'Thread, oldest first' }).ariaSnapshot();
  for (const seen of ['Consegna?', 'Buonasera, se ordino entro giovedì', 'Ciao, il codice LANA10', 'Checkout stopped at payment', 'Payment, step 3 of 4', 'Unanswered 12 h 27']) expect(thread).toContain(seen);
  const card = await page.getByRole('complementary', { name: 'Customer' }).ariaSnapshot();
  for (const seen of ['Strong: name and thread open', '/cassa/pagamento', 'Coperta merino grigia', 'Card number, expiry']) expect(card).toContain(seen);

  await page.keyboard.press('Alt+a');
  const call = page.getByRole('region', { name: 'Call', exact: true });
  await call.waitFor();
  expect(posted(s, '/api/offers/1-7/accept')).toHaveLength(1);
  await expect.poll(() => focused(page)).toBe('Call');
  expect(await call.ariaSnapshot()).toContain('toolbar "Call"');

  s.mock.push('thread', { contact: 'c_giulia', event: fx.liveStep(s.mock.now()) });
  await page.getByRole('status').filter({ hasText: 'Web: Checkout, payment' }).waitFor();

  await page.keyboard.press('Alt+h');
  await page.getByRole('button', { name: 'Hold', pressed: true }).waitFor();
  await page.keyboard.press('Alt+h');
  await page.getByRole('button', { name: 'Hold', pressed: false }).waitFor();
  await page.keyboard.press('Alt+m');
  await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor();
  await page.keyboard.press('Alt+m');
  await page.keyboard.press('Alt+k');
  await page.getByRole('group', { name: 'Keypad' }).waitFor();
  await page.keyboard.type('12#');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Alt+w');
  await page.keyboard.press('Alt+v');
  await page.getByRole('button', { name: 'Both right: verify' }).waitFor();
  await page.keyboard.press('Alt+v');
  await page.getByText('Verified: everything open').waitFor();
  await page.keyboard.press('Alt+e');

  const wrap = page.getByRole('region', { name: 'Wrap-up' });
  await wrap.waitFor();
  await expect.poll(() => focused(page)).toBe('Wrap-up');
  await page.keyboard.press('1');
  expect(await page.getByRole('radio', { name: 'Purchase completed' }).isChecked()).toBe(true);
  await page.getByRole('textbox', { name: 'Note for the thread' }).focus();
  await page.keyboard.type('Paid with card 2.');
  expect(await page.getByRole('radio', { name: 'Purchase completed' }).isChecked()).toBe(true); // a digit in a note is a digit
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Alt+s');
  await page.getByText('Ready. The next contact appears here.').waitFor();
  const verbs = posted(s, '/api/contacts/c_giulia/command').map((r) => [r.body?.['verb'], r.body?.['digits']].filter(Boolean).join(' '));
  expect(verbs).toEqual(['hold', 'resume', 'mute', 'unmute', 'digits 1', 'digits 2', 'digits #', 'wrong_reason', 'hangup']);
  expect(posted(s, '/api/contacts/c_giulia/wrapup')[0]?.body).toEqual({ disposition: 'purchase', note: 'Paid with card 2.', answered: ['e_014'] });
  expect(await page.getByRole('complementary', { name: 'Customer' }).textContent()).toContain('Giulia Rossi'); // last closed
  expect(s.problems).toEqual([]);
  await s.close();
});

test('an idle line sends nothing; a connected call does, and is heard', async () => {
  const s = await stage(browser, { scene: 'empty' });
  await lineUp(s.page);
  expect(s.mock.sip.invites[0]?.uri).toBe('sip:line@filo.local');
  expect(s.mock.sip.invites[0]?.headers.get('session-expires')).toBeUndefined();
  await s.page.waitForTimeout(800);
  const idle = await farPackets(s.context);
  expect(idle).toBeLessThan(5);
  ringing(s);
  await s.page.getByRole('button', { name: 'Answer Alt A' }).click();
  await expect.poll(() => farPackets(s.context)).toBeGreaterThan(idle + 25);
  await expect.poll(() => tone(s.page), { timeout: 8_000 }).toBeCloseTo(440, -1.4);
  await s.page.keyboard.press('Alt+e');
  await s.page.getByRole('region', { name: 'Wrap-up' }).waitFor();
  await s.page.waitForTimeout(600);
  const after = await farPackets(s.context);
  await s.page.waitForTimeout(600);
  expect((await farPackets(s.context)) - after).toBeLessThan(5);
  await s.close();
});

/** tone is the strongest frequency that the line's audio element plays. */
function tone(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const audio = document.querySelector<HTMLAudioElement>('#line-audio')!;
    const sound = new AudioContext();
    await sound.resume();
    const analyser = sound.createAnalyser();
    analyser.fftSize = 8192;
    sound.createMediaStreamSource(audio.srcObject as MediaStream).connect(analyser);
    await new Promise((done) => setTimeout(done, 500));
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const top = bins.indexOf(Math.max(...bins));
    const hz = (top * sound.sampleRate) / analyser.fftSize;
    await sound.close();
    return hz;
  });
}

test('reload in a call restores call, thread and line within 3 s', async () => {
  const s = await stage(browser, { scene: 'call' });
  await lineUp(s.page);
  const from = Date.now();
  await s.page.reload();
  await s.page.getByRole('region', { name: 'Call', exact: true }).waitFor();
  await s.page.getByText('Consegna?').first().waitFor();
  await lineUp(s.page);
  expect(Date.now() - from).toBeLessThan(3_000);
  await expect.poll(() => farPackets(s.context)).toBeGreaterThan(20);
  await s.close();
});

test('a lost event socket comes back with replay, and an offer rings once', async () => {
  const s = await stage(browser, { scene: 'empty' });
  await s.page.getByText('Ready. The next').waitFor();
  for (const ws of s.mock.sockets) ws.terminate();
  s.mock.push('queues', fx.myQueues(3));
  ringing(s);
  await s.page.getByRole('region', { name: sentence }).waitFor({ timeout: 5_000 });
  expect([...s.mock.sockets][0]?.hello?.after).toBeGreaterThan(0);
  expect(await s.page.getByRole('region', { name: sentence }).count()).toBe(1);
  await s.close();
});

test('a line that the far side ends is dialled again; a replaced one is not', async () => {
  const s = await stage(browser, { scene: 'empty' });
  await lineUp(s.page);
  s.mock.sip.bye();
  await expect.poll(() => s.mock.sip.invites.length).toBe(2);
  await lineUp(s.page);
  s.mock.sip.bye('replaced by a newer line');
  await s.page.getByText('Line is on another desk.').waitFor();
  await s.page.waitForTimeout(3_000); // longer than the old connection takes to go
  expect(s.mock.sip.invites.length).toBe(2);
  await s.page.getByRole('button', { name: 'Use the line here' }).click();
  await lineUp(s.page);
  await s.close();
});

test('one line a user: the second tab waits, and takes over when asked', async () => {
  const s = await stage(browser, { scene: 'empty' });
  await lineUp(s.page);
  const second = await s.context.newPage();
  await second.goto(`${s.mock.url}desk/`);
  await second.getByText('Line is in another tab.').waitFor();
  await second.getByRole('button', { name: 'Use the line here' }).click();
  await lineUp(second);
  await s.page.getByText('Line is in another tab.').waitFor();
  await second.close();
  await lineUp(s.page);
  await s.close();
});

test('an offer does not take the ground from under who types', async () => {
  const s = await stage(browser, { scene: 'mail' });
  await lineUp(s.page); // an offer that comes before may be gone with the snapshot that follows
  const text = s.page.getByRole('textbox', { name: 'Reply text' });
  await text.fill('Dear Hannah');
  ringing(s);
  await s.page.getByRole('region', { name: sentence }).waitFor();
  expect(await text.evaluate((t) => t === document.activeElement)).toBe(true);
  await s.shot('desk-peek');
  await s.axe();
  await s.page.keyboard.press('Alt+a');
  await s.page.getByRole('region', { name: 'Call', exact: true }).waitFor();
  await s.page.keyboard.press('Alt+2');
  expect(await text.inputValue()).toBe('Dear Hannah'); // the draft is kept
  await s.close();
});

test('a mail is answered with Ctrl Enter; a failure keeps the text', async () => {
  const s = await stage(browser, { scene: 'mail' });
  const text = s.page.getByRole('textbox', { name: 'Reply text' });
  await text.fill('Dear Hannah, sorry.');
  s.mock.failNext.set('/api/contacts/c_mail/reply', 500);
  await s.page.keyboard.press('Control+Enter');
  await s.page.getByText('Not sent. The text is kept; try again.').last().waitFor();
  expect(await text.inputValue()).toBe('Dear Hannah, sorry.');
  await s.page.keyboard.press('Control+Enter');
  await s.page.getByRole('heading', { name: 'Alessandra Bartolomei' }).waitFor();
  expect(posted(s, '/api/contacts/c_mail/reply').at(-1)?.body).toEqual({ body: 'Dear Hannah, sorry.', close: true });
  await s.close();
});

test('a mail body stands in a sandboxed frame', async () => {
  const s = await stage(browser, { scene: 'mail' });
  const frame = s.page.locator('iframe');
  await frame.waitFor();
  expect(await frame.getAttribute('sandbox')).toBe('');
  await s.page.frameLocator('iframe').getByText('I ordered the').waitFor();
  expect(s.problems).toEqual([]);
  await s.close();
});

test('nothing personal at D1, everything after verification', async () => {
  const s = await stage(browser, { scene: 'possible' });
  await s.page.getByText('Possible match').first().waitFor();
  const seen = await s.page.locator('body').innerText();
  for (const personal of ['Giulia', 'Rossi', 'Consegna?', 'Coperta', '84.90', 'posta.example']) expect(seen).not.toContain(personal);
  await s.page.keyboard.press('Alt+v');
  await s.page.getByText('giulia.rossi@posta.example').waitFor();
  expect(posted(s, '/api/contacts/c_giulia/verify')[0]?.body).toEqual({ method: 'asked' });
  await s.close();
});

test('an offer that is gone says so; declining works from anywhere', async () => {
  const s = await stage(browser, { scene: 'offer' });
  await s.page.getByTestId('offer').waitFor();
  s.mock.failNext.set('/api/offers/1-7/accept', 409);
  await s.page.keyboard.press('Alt+a');
  await s.page.getByTestId('said-now').filter({ hasText: 'The contact was taken or left.' }).waitFor();
  s.mock.setScene('offer');
  await s.page.getByTestId('offer').waitFor();
  await s.page.keyboard.press('Alt+d');
  await s.page.getByTestId('offer').waitFor({ state: 'detached' });
  expect(posted(s, '/api/offers/1-7/reject')).toHaveLength(1);
  await s.close();
});

test('palette, keys and the switch for single keys', async () => {
  const s = await stage(browser, { scene: 'call' });
  await s.page.getByRole('region', { name: 'Call', exact: true }).waitFor();
  await s.page.keyboard.press('Control+k');
  await s.page.keyboard.type('aless');
  await s.page.keyboard.press('Enter');
  await s.page.getByRole('heading', { name: 'Alessandra Bartolomei' }).waitFor();
  await s.page.keyboard.press('?');
  await s.page.getByRole('checkbox', { name: 'Single keys' }).uncheck();
  await s.page.keyboard.press('Escape');
  await s.page.keyboard.press('?');
  expect(await s.page.getByRole('dialog').count()).toBe(0);
  await s.close();
});

test('state menu by keys', async () => {
  const s = await stage(browser, { scene: 'empty' });
  await s.page.getByRole('button', { name: 'State: Ready' }).press('Enter');
  await s.page.getByRole('menuitemradio', { name: 'Ready' }).waitFor();
  await s.page.keyboard.press('ArrowDown');
  await s.page.keyboard.press('ArrowDown');
  await s.page.keyboard.press('Enter');
  await s.page.getByRole('button', { name: 'State: Lunch' }).waitFor();
  expect(posted(s, '/api/agent/state')[0]?.body).toEqual({ state: 'not_ready', reason: 'lunch' });
  await s.page.keyboard.press('Alt+p');
  await s.page.getByRole('button', { name: 'State: Ready' }).waitFor();
  await s.close();
});

test('earlier events load upward without moving what is read', async () => {
  const s = await stage(browser, { scene: 'call' });
  const anchor = s.page.getByText('Ciao, il codice LANA10');
  await anchor.scrollIntoViewIfNeeded();
  const before = (await anchor.boundingBox())!.y;
  await s.page.getByRole('button', { name: 'Show 6 earlier events' }).click();
  await s.page.getByText('Un evento più vecchio.').first().waitFor();
  expect(Math.abs((await anchor.boundingBox())!.y - before)).toBeLessThan(60);
  await s.close();
});

test('every target is at least 24 px', async () => {
  for (const scene of ['offer', 'call', 'wrapup', 'mail', 'empty']) {
    const s = await stage(browser, { scene });
    await s.page.getByRole('main').waitFor();
    const small = await s.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, a[href], select, textarea, label.pick, label.check')]
        .map((e) => ({ e, r: e.getBoundingClientRect() }))
        .filter(({ r }) => r.width > 0 && (r.width < 24 || r.height < 23.5))
        .map(({ e, r }) => `${e.textContent?.trim().slice(0, 30)} ${r.width}x${r.height}`),
    );
    expect(small).toEqual([]);
    await s.close();
  }
});
