// One line per user and browser: the tab that holds the lock has it.

export interface LockEvents {
  got(): void;
  waiting(): void; // another tab has it
  lost(): void; // another tab took it
}

const patience = 300; // ms: a reloading tab lets go of its lock a moment late

/** holdLock asks for the lock and keeps it until release; steal takes it from its holder. */
export function holdLock(name: string, steal: boolean, on: LockEvents): { release(): void } {
  if (!navigator.locks) {
    on.got();
    return { release: () => undefined };
  }
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const abort = new AbortController();
  let mine = false;
  let over = false;
  const timer = setTimeout(() => !mine && !over && on.waiting(), patience);
  navigator.locks
    .request(name, steal ? { steal: true } : { signal: abort.signal }, async () => {
      mine = true;
      clearTimeout(timer);
      if (over) return;
      on.got();
      await held;
    })
    .catch(() => {
      if (mine && !over) {
        over = true;
        on.lost();
      }
    });
  return {
    release() {
      over = true;
      clearTimeout(timer);
      if (!mine && !steal) abort.abort();
      release();
    },
  };
}
