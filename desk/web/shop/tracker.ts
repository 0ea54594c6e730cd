// The shop's way to the tracker (/v1/filo.js): what happens before it is loaded waits here.

interface Filo {
  anonymousId?: string;
  load(writeKey: string): void;
  page(properties: Record<string, unknown>): void;
  track(event: string, properties: Record<string, unknown>): void;
}

const waiting: ((filo: Filo) => void)[] = [];
let ready: Filo | undefined;

function filo(): Filo | undefined {
  return (window as unknown as { filo?: Filo }).filo;
}

/** startTracker loads the tracker and hands it what has waited. */
export async function startTracker(writeKey: string): Promise<void> {
  const script = document.createElement('script');
  script.src = '/v1/filo.js';
  await new Promise((done) => {
    script.onload = script.onerror = done;
    document.head.append(script);
  });
  ready = filo();
  if (!ready) return; // A blocked tracker must not break the shop.
  ready.load(writeKey);
  for (const send of waiting.splice(0)) send(ready);
}

function send(what: (filo: Filo) => void): void {
  if (ready) what(ready);
  else waiting.push(what);
}

export function page(path: string, title: string): void {
  send((f) => f.page({ path, title }));
}

export function track(event: string, properties: Record<string, unknown>): void {
  send((f) => f.track(event, properties));
}
