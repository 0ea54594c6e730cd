// The ladder of a call: drawn, told to who does not see it, by keyboard alone, in light and dark.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, stage, type Stage } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function open(s: Stage, name = 'Show the ladder'): Promise<void> {
  await s.page.getByRole('button', { name }).focus();
  await s.page.keyboard.press('Enter');
  await s.page.getByRole('dialog').waitFor();
}

/** shut closes the sheet; the focus goes back to where it was. */
async function shut(s: Stage, name: string): Promise<void> {
  await s.page.keyboard.press('Escape');
  await expect.poll(() => s.page.evaluate(() => document.activeElement?.textContent)).toBe(name);
}

test.each([
  { name: 'light', lang: 'en', dark: false, button: 'Show the ladder' },
  { name: 'dark', lang: 'en', dark: true, button: 'Show the ladder' },
  { name: 'it', lang: 'it', dark: false, button: 'Mostra la scala' },
] as const)('ladder of an agent, $name', async ({ name, lang, dark, button }) => {
  const s = await stage(browser, { scene: 'call', lang, dark });
  await open(s, button);
  await s.page.getByRole('listitem').filter({ hasText: '486 Busy Here' }).waitFor();
  await s.shot(`ladder-${name}`);
  await s.axe();
  expect(await s.page.getByRole('dialog').getByRole('link').count()).toBe(0); // the capture is for supervisors
  expect(await s.page.locator('button[data-row]').count()).toBe(0);
  await shut(s, button);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('a supervisor reads the messages by keyboard', async () => {
  const s = await stage(browser, { user: 'elena' });
  await open(s);
  const rows = s.page.locator('button[data-row]');
  await rows.first().waitFor();
  await rows.first().focus();
  await s.page.keyboard.press('ArrowDown');
  await s.page.keyboard.press('ArrowDown');
  await s.page.keyboard.press('Enter');
  await s.page.getByRole('button', { name: '0.500 s, Caller telco to Filo: INVITE, PCMA, PCMU, DTMF, public address, sent again, 1', expanded: true }).waitFor();
  expect(await s.page.locator('pre').textContent()).toContain('sip:+39347xxx4419@telco.example');
  expect(await s.page.getByRole('link', { name: 'Capture file' }).getAttribute('href')).toMatch(/\/api\/contacts\/.+\/trace\.pcap$/);
  await s.shot('ladder-messages');
  await s.axe();
  await s.page.keyboard.press('End');
  await expect.poll(() => rows.last().evaluate((b) => b === document.activeElement)).toBe(true);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('a long ladder scrolls, and says what it has lost', async () => {
  const s = await stage(browser, { scene: 'call' });
  s.mock.trace = { overwritten: true, long: 60 };
  await open(s);
  await s.page.getByText('The beginning was overwritten').waitFor();
  const ladder = s.page.getByRole('region', { name: 'Ladder of messages' });
  await ladder.focus();
  await s.page.keyboard.press('End');
  await expect.poll(() => ladder.evaluate((e) => e.scrollTop)).toBeGreaterThan(1000);
  await s.page.getByRole('listitem').last().waitFor();
  await s.shot('ladder-long');
  await s.axe();
  await s.close();
});

test('a call without a trace says so; one that fails can be asked for again', async () => {
  const s = await stage(browser, { scene: 'call' });
  s.mock.trace = null;
  await open(s);
  await s.page.getByText('Nothing is traced of this call').waitFor();
  await s.axe();
  await shut(s, 'Show the ladder');
  s.mock.trace = {};
  s.mock.failNext.set('/api/contacts/c_giulia/trace', 503);
  await open(s);
  await s.page.getByRole('button', { name: 'Try again' }).click();
  await s.page.getByRole('region', { name: 'Ladder of messages' }).waitFor();
  await s.close();
});

test('narrow window of 720', async () => {
  const s = await stage(browser, { scene: 'call', width: 720 });
  await s.page.getByRole('button', { name: 'Customer', exact: true }).click();
  await open(s);
  await s.page.getByRole('region', { name: 'Ladder of messages' }).waitFor();
  await s.shot('ladder-720');
  expect(await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  await s.close();
});
