// A Chromium, the mock server and a page that plays the far side of every call.

import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { startMock, type Mock } from './mock';

const results = new URL('../../test-results/', import.meta.url).pathname;

export interface Stage {
  mock: Mock;
  context: BrowserContext;
  page: Page;
  problems: string[]; // console errors, CSP violations, exceptions
  shot(name: string): Promise<void>;
  axe(): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  scene?: string;
  lang?: 'en' | 'it';
  dark?: boolean;
  user?: string;
  demo?: boolean;
  line?: boolean;
  path?: string;
  width?: number;
  settings?: Record<string, unknown>;
  deny?: boolean; // no microphone
}

export function launch(): Promise<Browser> {
  mkdirSync(results, { recursive: true });
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--headless=new',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** stage opens the desk (signed in unless path says otherwise) on a scene of the mock. */
export async function stage(browser: Browser, o: StageOptions = {}): Promise<Stage> {
  const mock = await startMock({ scene: o.scene ?? 'empty', lang: o.lang ?? 'en', demo: o.demo ?? false, line: o.line ?? true });
  const context = await browser.newContext({
    viewport: { width: o.width ?? 1440, height: 900 },
    colorScheme: o.dark ? 'dark' : 'light',
    locale: o.lang === 'it' ? 'it-IT' : 'en-GB',
    timezoneId: 'Europe/Rome',
    permissions: o.deny ? [] : ['microphone'],
    reducedMotion: 'reduce',
  });
  await farSide(context, mock);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (m) => m.type() === 'error' && !m.text().includes('401 (Unauthorized)') && problems.push(m.text()));
  page.on('pageerror', (e) => problems.push(String(e)));
  if (o.settings) await page.addInitScript((s) => localStorage.setItem('filo.settings', JSON.stringify(s)), o.settings);
  if (o.deny) {
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));
    });
  }
  if (o.user !== '') await context.addCookies([{ name: 'filo_session', value: o.user ?? 'paola', url: mock.url }]);
  await page.goto(mock.url + (o.path ?? 'desk/'));
  return {
    mock,
    context,
    page,
    problems,
    shot: async (name) => void (await page.screenshot({ path: `${results}${name}.png` })),
    axe: async () => {
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).exclude('iframe').analyze();
      expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join('; ')}`)).toEqual([]);
    },
    close: async () => {
      await context.close();
      await mock.close();
    },
  };
}

/** farSide answers every INVITE with a tone of 440 Hz from a page of its own. */
async function farSide(context: BrowserContext, mock: Mock): Promise<void> {
  let far: Page | null = null;
  mock.sip.answer = async (offer: string) => {
    try {
      far ??= await opened(context, `${mock.url}placeholder.html`);
      return await far.evaluate(async (sdp) => {
        const w = window as unknown as { tone?: MediaStream; far?: RTCPeerConnection; heard?: MediaStream };
        if (!w.tone) {
          const sound = new AudioContext();
          const to = sound.createMediaStreamDestination();
          const tone = sound.createOscillator();
          tone.frequency.value = 440;
          tone.connect(to);
          tone.start();
          w.tone = to.stream;
        }
        const pc = new RTCPeerConnection();
        w.far = pc;
        pc.ontrack = (e) => (w.heard = new MediaStream([e.track]));
        await pc.setRemoteDescription({ type: 'offer', sdp });
        pc.addTrack(w.tone.getAudioTracks()[0]!, w.tone);
        await pc.setLocalDescription(await pc.createAnswer());
        await new Promise<void>((done) => {
          if (pc.iceGatheringState === 'complete') done();
          pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
          setTimeout(done, 800);
        });
        return pc.localDescription!.sdp;
      }, offer);
    } catch {
      return null;
    }
  };
}

async function opened(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** farPackets is how many RTP packets the far side has received. */
export async function farPackets(context: BrowserContext): Promise<number> {
  const far = context.pages().find((p) => p.url().endsWith('placeholder.html'));
  return (
    (await far?.evaluate(async () => {
      const pc = (window as unknown as { far?: RTCPeerConnection }).far;
      let n = 0;
      (await pc?.getStats())?.forEach((s: { type: string; packetsReceived?: number }) => {
        if (s.type === 'inbound-rtp') n = s.packetsReceived ?? 0;
      });
      return n;
    })) ?? 0
  );
}
