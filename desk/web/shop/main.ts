import '../shared/base.css';
import './shop.css';
import './call-us';
import { mount } from 'svelte';
import type { CallUs } from './call-us';
import Shop from './Shop.svelte';
import { startTracker } from './tracker';

interface ShopConfig {
  writeKey: string;
  region?: string;
  phone?: string;
}

async function config(): Promise<ShopConfig> {
  const written = document.querySelector<HTMLMetaElement>('meta[name="filo-write-key"]')?.content;
  try {
    const answer = await fetch('/shop/config.json');
    const given = answer.ok ? ((await answer.json()) as ShopConfig) : { writeKey: '' };
    return { ...given, writeKey: written || given.writeKey };
  } catch {
    return { writeKey: written ?? '' };
  }
}

const target = document.getElementById('shop');
const widget = document.querySelector<CallUs>('filo-call');
if (target) mount(Shop, { target, props: { help: () => widget?.suggest('Il pagamento non passa?', 'Di solito basta confermare nell’app della banca. Se preferisci, ti aiutiamo adesso: chi risponde vede a che punto sei, mai la carta.') } });

void config().then((c) => {
  widget?.setAttribute('write-key', c.writeKey);
  if (c.phone) widget?.setAttribute('phone', c.phone);
  if (c.writeKey) void startTracker(c.writeKey);
});
