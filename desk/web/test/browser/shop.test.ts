// The demo shop: what the tracker is told, and the call from the browser.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, stage } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test('half a form is told step by step, never the card', async () => {
  const s = await stage(browser, { user: '', path: 'shop/?cx=signed', lang: 'it' });
  const { page } = s;
  await page.getByRole('heading', { name: 'Lana di Verona' }).waitFor();
  await s.shot('shop-front');
  await s.axe();
  await page.getByRole('link', { name: 'Carrello, 2' }).click();
  await page.getByRole('button', { name: 'Vai alla consegna' }).click();
  await page.getByLabel('Nome e cognome').fill('Giulia Rossi');
  await page.getByLabel('E-mail').fill('giulia.rossi@posta.example');
  await page.getByLabel('Telefono per il corriere').fill('+39 347 555 4419');
  await page.getByLabel('Via e numero').fill('Via Mazzini 1');
  await page.getByLabel('CAP').fill('37121');
  await page.getByLabel('Città').fill('Verona');
  await page.getByLabel(/Espressa/).check();
  await s.shot('shop-delivery');
  await s.axe();
  await page.getByRole('button', { name: 'Vai al pagamento' }).click();
  await page.getByLabel('Nome sulla carta').fill('Giulia Rossi');
  await page.getByLabel('Numero della carta').fill('4000 0000 0000 0002');
  await page.getByLabel(/Scadenza/).fill('12/28');
  await page.getByRole('button', { name: 'Paga 84,90 €' }).click();
  await page.getByText('La banca non ha confermato il pagamento.').waitFor();
  await page.getByLabel('Numero della carta').fill('4000 0000 0000 0002');
  await page.getByRole('button', { name: 'Paga 84,90 €' }).click();
  await page.getByText('Il pagamento non passa?').waitFor();
  await s.shot('shop-payment');
  await s.axe();
  await expect.poll(() => s.mock.tracked.filter((e) => e.event === 'Form Error').length).toBe(2);
  const payment = s.mock.tracked.findLast((e) => e.event === 'Form Step Viewed')!.properties!;
  expect(payment).toMatchObject({ form: 'checkout', step: 'payment', step_no: 3, steps: 4, value: '84.90', currency: 'EUR' });
  expect(payment['fields']).toMatchObject({ phone: '+39 347 555 4419', email: 'giulia.rossi@posta.example', postcode: '37121' });
  expect(payment['cart']).toEqual([
    { name: 'Coperta merino grigia', price: '54.00' },
    { name: 'Sciarpa verde felce', price: '25.00' },
    { name: 'Consegna espressa', price: '5.90' },
  ]);
  const all = JSON.stringify(s.mock.tracked);
  for (const secret of ['4000', '0002', '12/28']) expect(all).not.toContain(secret);
  expect(all).toContain('card_number'); // its name, as empty or filled

  await page.getByLabel('Numero della carta').fill('4242 4242 4242 4242');
  await page.getByRole('button', { name: 'Paga 84,90 €' }).click();
  await page.getByRole('button', { name: 'Conferma l’ordine' }).click();
  await page.getByRole('heading', { name: 'Grazie' }).waitFor();
  await expect.poll(() => s.mock.tracked.some((e) => e.event === 'Order Completed' && e.properties?.['total'] === '84.90')).toBe(true);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('call us from the browser: token, tone, keys, end', async () => {
  const s = await stage(browser, { user: '', path: 'shop/', lang: 'it' });
  const { page } = s;
  await page.getByRole('button', { name: 'Chiamaci' }).click();
  await page.getByRole('button', { name: 'Dal mio telefono' }).waitFor();
  await s.shot('shop-choose');
  await page.getByRole('button', { name: 'Dal browser, gratis' }).click();
  await page.getByRole('button', { name: 'Muto' }).waitFor();
  const invite = s.mock.sip.invites[0]!;
  expect(invite.headers.get('x-filo-token')).toBe('t0ken');
  expect(invite.uri).toBe('sip:shop@filo.local');
  expect(s.mock.requests.find((r) => r.path === '/v1/call-token')?.body).toMatchObject({ writeKey: 'demo-shop', anonymousId: expect.stringMatching(/\w+/) });
  await page.getByRole('button', { name: 'Tasti' }).click();
  await page.getByRole('button', { name: 'Tasto 5' }).click();
  await s.shot('shop-call');
  await s.axe();
  await page.getByRole('button', { name: 'Muto' }).click();
  await page.getByRole('button', { name: 'Muto', pressed: true }).waitFor();
  await page.getByRole('button', { name: 'Chiudi' }).click();
  await page.getByRole('heading', { name: 'Hai risolto?' }).waitFor();
  await s.shot('shop-after');
  await page.getByRole('button', { name: 'Sì' }).click();
  await page.getByRole('heading', { name: 'Grazie' }).waitFor();
  await expect.poll(() => s.mock.tracked.some((e) => e.event === 'Call Rated')).toBe(true);
  expect(s.problems).toEqual([]);
  await s.close();
});

test('no microphone: what to do, and the number', async () => {
  const s = await stage(browser, { user: '', path: 'shop/', lang: 'it', deny: true });
  await s.page.getByRole('button', { name: 'Chiamaci' }).click();
  await s.page.getByRole('button', { name: 'Dal browser, gratis' }).click();
  await s.page.getByText('Il microfono è bloccato').waitFor();
  await s.shot('shop-nomic');
  await s.page.getByRole('button', { name: 'Dal mio telefono' }).click();
  await s.page.getByRole('link', { name: '+39 045 555 0190' }).waitFor();
  await s.axe();
  await s.close();
});
