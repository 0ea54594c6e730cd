// Call control: transfer and consultation by keyboard alone, the recording, what the consulted
// agent sees, and a supervisor on the floor; and that the thread does not move for any of it.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import { farPackets, launch, stage, type Stage } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const lineUp = (page: Page) => page.locator('[data-testid=line][data-state=up]').waitFor();
const said = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
const alerted = (page: Page, text: string) => page.getByTestId('said-now').filter({ hasText: text }).waitFor();
const sent = (s: Stage, contact = 'c_giulia') => s.mock.requests.filter((r) => r.path === `/api/contacts/${contact}/command`).map((r) => r.body);
const dock = (page: Page) => page.getByRole('region', { name: 'Call', exact: true });
// Times, and who makes a sound just then, are another moment's.
const tree = async (page: Page) =>
  (await dock(page).ariaSnapshot()).replaceAll(/\b\d+:\d\d\b/g, '0:00').replaceAll(/text: .* speaking/g, 'text: Nobody speaking');

async function called(scene: string, lang: 'en' | 'it' = 'en'): Promise<Stage> {
  const s = await stage(browser, { scene, lang });
  await s.page.locator('.dock.on-call').waitFor();
  await lineUp(s.page);
  return s;
}

/** still remembers where the thread stands; the answer tells by how much it has moved. */
async function still(page: Page): Promise<() => Promise<number>> {
  const mark = page.getByText('Consegna?', { exact: true }).first();
  const before = (await mark.boundingBox())!.y;
  return async () => Math.abs((await mark.boundingBox())!.y - before);
}

test('consult, swap, conference, complete: by keyboard alone, and the thread stays where it is', async () => {
  const s = await called('call');
  const { page } = s;
  const moved = await still(page);
  await page.keyboard.press('Alt+c');
  const picker = page.getByRole('dialog', { name: 'Consult somebody' });
  await picker.getByRole('option', { name: /Marta Conti/, selected: true }).waitFor();
  expect(await picker.ariaSnapshot()).toMatchInlineSnapshot(`
    "- dialog "Consult somebody":
      - combobox "Name, queue or number" [expanded]
      - listbox "To whom":
        - group "Likely":
          - option "Marta Conti talked with them on 14 Nov Ready" [selected]
        - group "Agents":
          - option "Aoife Byrne Ready"
          - option "Ivo Marchetti Ready"
          - option "Tommaso Riva Ready"
          - option "Carlo De Santis Wrap-up"
          - option "Beatrice Fontanelli Busy"
          - option "Davide Lombardi Busy"
          - option "Luca Bianchi Not ready"
          - option "Noemi Greco Signed out" [disabled]
        - group "Queues":
          - option "Checkout where this call came from, nobody waiting"
          - option "Delivery nobody waiting"
          - option "Returns 5 waiting"
      - button "Consult first Enter"
      - button "Transfer now Ctrl Enter"
      - text: The caller hears music."
  `);
  expect(await moved()).toBe(0);
  await page.keyboard.type('ivo');
  await page.keyboard.press('Enter');
  await said(page, 'Ivo Marchetti is being called. Giulia hears music.');
  await picker.waitFor({ state: 'detached' });
  expect(sent(s)).toEqual([{ verb: 'consult', to: { agent: 'ivo' } }]);
  expect(await tree(page)).toMatchInlineSnapshot(`
    "- region "Call":
      - list "Who is on the line":
        - listitem: Ivo Marchetti ringing 0:00
        - listitem:
          - text: Giulia Rossi hears music
          - timer: 0:00
      - toolbar "Call":
        - button "Mute"
        - button "Cancel"
        - group "Recording":
          - button "Record""
  `);
  expect(await moved()).toBe(0);

  s.mock.answer();
  await said(page, 'You talk with Ivo Marchetti. Giulia hears music.');
  expect(await tree(page)).toMatchInlineSnapshot(`
    "- region "Call":
      - list "Who is on the line":
        - listitem: Ivo Marchetti talking 0:00
        - listitem:
          - text: Giulia Rossi hears music
          - timer: 0:00
      - toolbar "Call":
        - button "Mute"
        - button "Swap"
        - button "Conference"
        - button "Complete"
        - button "Drop"
        - group "Recording":
          - button "Record""
  `);
  await page.keyboard.press('Alt+x');
  await said(page, 'You talk with Giulia. Ivo Marchetti hears music.');
  await page.keyboard.press('Alt+c');
  await said(page, 'You, Ivo Marchetti and Giulia hear each other.');
  await page.getByRole('button', { name: 'Conference', pressed: true }).waitFor();
  expect(await moved()).toBe(0);
  await page.keyboard.press('Alt+t');
  await page.getByRole('region', { name: 'Wrap-up' }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Wrap-up');
  expect(sent(s).map((b) => b?.['verb'])).toEqual(['consult', 'swap', 'conference', 'complete']);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('transfer at once, to an agent, a queue, a number; the last ones come first', async () => {
  const s = await called('call');
  const { page } = s;
  const transfer = async (typed: string) => {
    await page.keyboard.press('Alt+t');
    await page.getByRole('dialog', { name: 'Transfer the call' }).getByRole('option').first().waitFor();
    await page.keyboard.type(typed);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Wrap-up' }).waitFor();
  };
  await transfer('tomm');
  await said(page, 'Transferred: Tommaso Riva. Wrap-up.');
  s.mock.setScene('call');
  await dock(page).waitFor();
  await transfer('deliv');
  s.mock.setScene('call');
  await dock(page).waitFor();
  await transfer('+39 045 555-0191');
  expect(sent(s)).toEqual([
    { verb: 'transfer', to: { agent: 'tommaso' } },
    { verb: 'transfer', to: { queue: 'delivery' } },
    { verb: 'transfer', to: { number: '+390455550191' } },
  ]);
  s.mock.setScene('call');
  await dock(page).waitFor();
  await page.keyboard.press('Alt+t');
  const likely = page.getByRole('group', { name: 'Likely' }).getByRole('option');
  await expect.poll(() => likely.allInnerTexts()).toEqual([expect.stringMatching(/^Marta Conti/), expect.stringMatching(/^Delivery/), expect.stringMatching(/^Tommaso Riva/)]);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+Enter'); // the other way: consult first
  await said(page, 'Delivery is being called.');
  expect(sent(s).at(-1)).toEqual({ verb: 'consult', to: { queue: 'delivery' } });
  await s.close();
});

test('the picker: who is free changes before the eyes, Escape and a click beside close it', async () => {
  const s = await called('call');
  const { page } = s;
  await page.keyboard.press('Alt+t');
  await page.getByRole('option', { name: /Ivo Marchetti.*Ready/ }).waitFor();
  s.mock.directory.agents.find((a) => a.id === 'ivo')!.state = 'busy';
  await page.getByRole('option', { name: /Ivo Marchetti.*Busy/ }).waitFor();
  await page.keyboard.type('noemi');
  await page.getByRole('option', { name: /Noemi Greco/, disabled: true }).waitFor();
  await page.keyboard.press('Enter');
  expect(sent(s)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Call');
  await page.getByRole('button', { name: 'Consult', exact: true }).click();
  await page.getByRole('dialog', { name: 'Consult somebody' }).waitFor();
  await page.keyboard.press('Alt+t');
  await page.getByRole('dialog', { name: 'Transfer the call' }).waitFor();
  await page.getByRole('heading', { name: 'Giulia Rossi' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  s.mock.directory.numbers = false;
  await page.keyboard.press('Alt+t');
  await page.getByRole('combobox', { name: 'Name or queue' }).fill('+39045555');
  await page.getByText('Nobody by that name.').waitFor();
  await s.close();
});

test('what the server refuses is said in words, and the choice stays', async () => {
  const s = await called('call');
  const { page } = s;
  const path = '/api/contacts/c_giulia/command';
  await page.keyboard.press('Alt+c');
  await page.keyboard.type('marta');
  await page.getByRole('option', { name: /Marta/ }).waitFor();
  s.mock.failNext.set(path, [409, 'no_target']);
  await page.keyboard.press('Enter');
  await alerted(page, 'Marta Conti cannot be reached now. The call is still yours.');
  await page.getByRole('dialog').getByText('Marta Conti cannot be reached now.').waitFor();
  await page.getByRole('combobox').fill('+39 899 1234');
  await page.getByRole('option', { name: /899/ }).waitFor();
  s.mock.failNext.set(path, [403, 'number_barred']);
  await page.keyboard.press('Enter');
  await alerted(page, 'This number may not be dialled.');
  await page.keyboard.press('Escape');
  const moved = await still(page);
  for (const [code, words] of [['not_possible', 'Calls cannot be recorded here.'], ['wrong_state', 'Not possible at this moment of the call.'], ['not_yours', 'This call is no longer yours.']] as const) {
    s.mock.failNext.set(path, [409, code]);
    await page.keyboard.press('Alt+r');
    await alerted(page, words);
  }
  expect(await moved()).toBe(0);
  await s.shot('desk-refused');
  await s.axe();
  await s.close();
});

test('a consultation that ends by itself leaves the caller on hold, and says so', async () => {
  const s = await called('talking');
  s.mock.call('c_giulia', { consult: null, hold: true });
  await alerted(s.page, 'Marta Conti is not on the line. Giulia hears music: resume.');
  await s.page.getByRole('button', { name: 'Hold', pressed: true }).waitFor();
  s.mock.call('c_giulia', { consult: fx.consultWith('ringing'), hold: false });
  await s.page.getByRole('button', { name: 'Cancel' }).waitFor();
  await s.page.keyboard.press('Alt+e'); // nobody loses a call while somebody is rung
  await s.page.keyboard.press('Alt+b');
  await said(s.page, 'Back with Giulia.');
  expect(sent(s).map((b) => b?.['verb'])).toEqual(['drop']);
  await s.close();
});

test('recording: begin, pause for card data, go on, stop; the light says which', async () => {
  const s = await called('call');
  const { page } = s;
  const moved = await still(page);
  const light = page.getByTestId('recording');
  expect(await light.count()).toBe(0);
  await page.keyboard.press('Alt+r');
  await light.and(page.locator('[data-state=on]')).waitFor();
  expect(await light.innerText()).toBe('Recording');
  await page.keyboard.press('Alt+r');
  await said(page, 'Recording paused: card data is not recorded.');
  expect(await light.innerText()).toBe('Rec paused');
  expect(await tree(page)).toMatchInlineSnapshot(`
    "- region "Call":
      - text: Rec paused
      - timer: 0:00
      - text: Nobody speaking
      - toolbar "Call":
        - button "Mute"
        - button "Hold"
        - button "Keypad"
        - button "Transfer"
        - button "Consult"
        - group "Recording":
          - button "Go on"
          - button "Stop"
        - button "Wrong reason"
        - button "End""
  `);
  await page.keyboard.press('Alt+r');
  await said(page, 'Recording again.');
  await page.getByRole('group', { name: 'Recording' }).getByRole('button', { name: 'Stop' }).click();
  await said(page, 'Recording stopped.');
  expect(await light.count()).toBe(0);
  expect(sent(s).map((b) => b?.['verb'])).toEqual(['record', 'record_pause', 'record_resume', 'record_stop']);
  expect(await moved()).toBe(0);
  await s.close();
});

test('mute closes the microphone before the server has answered', async () => {
  const s = await called('call');
  const { page } = s;
  await page.route('**/command', async (route) => {
    await new Promise((done) => setTimeout(done, 700));
    await route.continue();
  });
  await page.keyboard.press('Alt+m');
  await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor({ timeout: 400 });
  expect(sent(s)).toEqual([]);
  await expect.poll(() => sent(s)).toEqual([{ verb: 'mute' }]);
  s.mock.failNext.set('/api/contacts/c_giulia/command', 500);
  await page.keyboard.press('Alt+m');
  await page.getByRole('button', { name: 'Mute', pressed: false }).waitFor();
  await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor(); // it was not done: back
  await s.close();
});

test('a supervisor on the call is told, and told when gone', async () => {
  const s = await called('call');
  const { page } = s;
  const moved = await still(page);
  const notice = page.getByTestId('watched');
  for (const [mode, words] of [['whisper', 'Elena Sartori whispers, only you hear it'], ['barge', 'Elena Sartori is in the call'], ['listen', 'Elena Sartori listens']] as const) {
    s.mock.call('c_giulia', { monitor: { mode, name: 'Elena Sartori' } });
    await alerted(page, words);
    await notice.filter({ hasText: words }).waitFor();
  }
  s.mock.call('c_giulia', { monitor: null });
  await alerted(page, 'Elena Sartori has left the call.');
  await notice.waitFor({ state: 'detached' });
  expect(await moved()).toBe(0);
  await s.close();
});

test('a colleague asks for help: the same thread, whose consult it is, and the call that follows', async () => {
  const s = await stage(browser, { scene: 'asked' });
  const { page } = s;
  const offer = page.getByRole('region', { name: /^Marta Conti asks for your help\. Giulia Rossi, stopped at payment/ });
  await offer.getByText('Consult by Marta Conti, Checkout').waitFor();
  await page.getByText('Consegna?').first().waitFor();
  await lineUp(page);
  await page.keyboard.press('Alt+a');
  await dock(page).waitFor();
  expect(await tree(page)).toMatchInlineSnapshot(`
    "- region "Call":
      - timer: 0:00
      - text: Consult by Marta Conti
      - toolbar "Call":
        - button "Mute"
        - button "Leave""
  `);
  await page.getByRole('main').getByText('Consult by Marta Conti').first().waitFor();
  await page.keyboard.press('Alt+t'); // not theirs to transfer
  expect(await page.getByRole('dialog').count()).toBe(0);
  s.mock.push('contact_gone', { contact: 'c_help' });
  s.mock.push('contact', fx.callContact(s.mock.now()));
  await page.getByRole('button', { name: 'Transfer' }).waitFor();
  expect(await page.getByText('Consult by Marta Conti').count()).toBe(0);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('a supervisor listens, whispers, barges in and leaves: by buttons and by keys', async () => {
  const s = await stage(browser, { user: 'elena' });
  const { page } = s;
  await lineUp(page);
  const ways = page.getByRole('group', { name: 'Call of Davide Lombardi' });
  expect(await ways.ariaSnapshot()).toMatchInlineSnapshot(`
    "- group "Call of Davide Lombardi":
      - button "Listen to Davide Lombardi"
      - button "Whisper to Davide Lombardi"
      - button "Barge in on Davide Lombardi""
  `);
  await page.waitForTimeout(600);
  const idle = await farPackets(s.context);
  await ways.getByRole('button', { name: 'Listen to Davide Lombardi' }).click();
  const bar = page.getByRole('region', { name: 'Monitoring' });
  await bar.getByText('Listening to Davide Lombardi').waitFor();
  await bar.getByText('Nobody hears you.').waitFor();
  expect((await bar.ariaSnapshot()).replaceAll(/\b\d+:\d\d\b/g, '0:00')).toMatchInlineSnapshot(`
    "- region "Monitoring":
      - paragraph:
        - text: Listening to Davide Lombardi Checkout
        - timer: 0:00
      - paragraph: Nobody hears you.
      - group "How you take part":
        - button "Listen" [pressed]
        - button "Whisper"
        - button "Barge in"
        - button "Stop""
  `);
  await page.waitForTimeout(600);
  expect((await farPackets(s.context)) - idle).toBeLessThan(5); // who listens sends nothing
  await page.keyboard.press('Alt+u');
  await bar.getByText('Only Davide hears you.').waitFor();
  await expect.poll(() => farPackets(s.context)).toBeGreaterThan(idle + 25);
  await page.keyboard.press('Alt+j');
  await bar.getByText('Davide and the caller hear you.').waitFor();
  await ways.getByRole('button', { name: 'Barge in on Davide Lombardi', pressed: true }).waitFor();
  await page.keyboard.press('Alt+o');
  await bar.waitFor({ state: 'detached' });
  await said(page, 'No longer on the call of Davide Lombardi.');
  expect(s.mock.requests.filter((r) => r.path.endsWith('/monitor')).map((r) => r.body?.['mode'])).toEqual(['listen', 'whisper', 'barge', 'off']);
  s.mock.failNext.set(s.mock.requests.at(-1)!.path, [409, 'line_busy']);
  await ways.getByRole('button', { name: 'Listen to Davide Lombardi' }).click();
  await page.getByRole('alert').filter({ hasText: 'Your line is not up, or is in a call.' }).last().waitFor();
  await s.axe();
  await s.close();
});

test('in Italian nothing of it is English', async () => {
  const s = await called('talking', 'it');
  await s.page.getByRole('button', { name: 'Passare' }).waitFor();
  const seen = await s.page.locator('.dock').innerText();
  for (const word of ['Swap', 'Drop', 'Complete', 'Recording', 'talking', 'hears']) expect(seen).not.toContain(word);
  await s.close();
});

test('every target of call control is at least 24 px', async () => {
  for (const scene of ['recording', 'talking', 'helping']) {
    const s = await called(scene);
    if (scene === 'recording') await s.page.keyboard.press('Alt+t');
    expect(await small(s.page)).toEqual([]);
    await s.close();
  }
  const s = await stage(browser, { user: 'elena' });
  await lineUp(s.page);
  await s.page.getByRole('button', { name: 'Listen to Davide Lombardi' }).click();
  await s.page.getByRole('region', { name: 'Monitoring' }).waitFor();
  expect(await small(s.page)).toEqual([]);
  await s.close();
});

function small(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, input, [role="option"]')]
      .map((e) => ({ e, r: e.getBoundingClientRect() }))
      .filter(({ r }) => r.width > 0 && (r.width < 24 || r.height < 23.5))
      .map(({ e, r }) => `${e.ariaLabel ?? e.textContent?.trim().slice(0, 30)} ${r.width}x${r.height}`),
  );
}
