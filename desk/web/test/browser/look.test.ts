// Every state of the desk, in light, dark and Italian: shown without a console error or a CSP
// violation, clean for axe, and kept as a picture in test-results.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as fx from '../../mock/fixtures.mjs';
import { launch, stage } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const scenes = ['offer', 'call', 'possible', 'wrapup', 'mail', 'sms', 'empty', 'notready'];
const kinds = [
  { name: 'light', lang: 'en', dark: false, calls: ['recording', 'ringing', 'talking', 'barged', 'asked', 'helping'] },
  { name: 'dark', lang: 'en', dark: true, calls: ['paused', 'held', 'whispered', 'asked'] },
  { name: 'it', lang: 'it', dark: false, calls: ['recording', 'talking', 'conference', 'helping'] },
] as const;

for (const kind of kinds) {
  test.each([...scenes, ...kind.calls])(`desk %s, ${kind.name}`, async (scene) => {
    const s = await stage(browser, { scene, lang: kind.lang, dark: kind.dark });
    await s.page.getByTestId('line').and(s.page.locator('[data-state=up]')).waitFor();
    if (scene === 'call') {
      s.mock.push('thread', { contact: 'c_giulia', event: fx.liveStep(s.mock.now()) });
      await s.page.locator('.live').waitFor();
    }
    if (scene === 'wrapup') {
      await s.page.keyboard.press('1');
      await s.page.getByRole('textbox').fill('Bank app needed an update; paid with the second card. Express delivery, arrives Friday.');
      await s.page.getByRole('checkbox').first().check();
    }
    if (scene === 'mail') {
      await s.page.getByRole('textbox').fill('Dear Hannah,\n\nI am sorry we sent you blue instead of fern green. A green scarf leaves today by express and reaches you on Friday before noon. The courier takes the blue one back at the door; there is nothing to pay.');
    }
    await s.page.waitForTimeout(700);
    await s.shot(`desk-${scene}-${kind.name}`);
    await s.axe();
    expect(s.problems).toEqual([]);
    await s.close();
  });

  test(`floor, ${kind.name}`, async () => {
    const s = await stage(browser, { user: 'elena', lang: kind.lang, dark: kind.dark });
    await s.page.getByRole('region', { name: kind.lang === 'it' ? 'Code' : 'Queues' }).waitFor();
    await s.page.waitForTimeout(300);
    await s.shot(`floor-${kind.name}`);
    await s.axe();
    expect(s.problems).toEqual([]);
    await s.close();
  });
}

test.each(kinds)('choosing whom to transfer to, $name', async ({ name, lang, dark }) => {
  const s = await stage(browser, { scene: 'recording', lang, dark });
  await s.page.getByTestId('line').and(s.page.locator('[data-state=up]')).waitFor();
  await s.page.keyboard.press('Alt+t');
  await s.page.getByRole('option', { name: /Marta Conti/ }).waitFor();
  await s.shot(`desk-transfer-${name}`);
  await s.axe();
  expect(s.problems).toEqual([]);
  await s.close();
});

test.each([
  ['listen', kinds[0], 'Listen to Davide Lombardi'],
  ['whisper', kinds[1], 'Whisper to Davide Lombardi'],
  ['barge', kinds[2], 'Intervenire da Davide Lombardi'],
] as const)('monitoring: %s', async (mode, kind, button) => {
  const s = await stage(browser, { user: 'elena', lang: kind.lang, dark: kind.dark });
  await s.page.getByTestId('line').and(s.page.locator('[data-state=up]')).waitFor();
  await s.page.getByRole('button', { name: button }).click();
  await s.page.locator(`[data-testid=monitor][data-mode=${mode}]`).waitFor();
  await s.shot(`floor-${mode}-${kind.name}`);
  await s.axe();
  expect(s.problems).toEqual([]);
  await s.close();
});

test('sign in', async () => {
  const s = await stage(browser, { user: '' });
  await s.page.getByLabel('User').waitFor();
  await s.shot('sign-in');
  await s.axe();
  await s.close();
});

test.each(['settings', 'keys', 'find'])('sheet %s', async (sheet) => {
  const s = await stage(browser, { scene: 'call' });
  await s.page.getByRole('main').waitFor();
  if (sheet === 'settings') await s.page.getByRole('button', { name: 'Paola Ferri, settings' }).click();
  if (sheet === 'keys') await s.page.keyboard.press('?');
  if (sheet === 'find') await s.page.keyboard.press('Control+k');
  await s.page.getByRole('dialog').waitFor();
  await s.shot(`sheet-${sheet}`);
  await s.axe();
  expect(s.problems).toEqual([]);
  await s.close();
});

test.each([
  ['offer', 1180],
  ['offer', 720],
  ['recording', 1280],
  ['recording', 1100],
  ['recording', 720],
  ['talking', 1200],
  ['talking', 720],
])('%s in a narrow window of %i', async (scene, width) => {
  const s = await stage(browser, { scene, width });
  await s.page.locator('.dock').waitFor();
  await s.shot(`desk-${scene}-${width}`);
  await s.axe();
  expect(await s.page.evaluate(() => [...document.querySelectorAll('.tools .tool')].filter((e) => e.getBoundingClientRect().right > innerWidth).length)).toBe(0);
  expect(await s.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  await s.close();
});

test('a demo without a microphone says what to do', async () => {
  const s = await stage(browser, { scene: 'empty', demo: true, deny: true });
  await s.page.getByText('Microphone blocked.').waitFor();
  await s.shot('desk-notices');
  await s.axe();
  await s.close();
});
