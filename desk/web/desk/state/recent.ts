// The last destinations of a user, kept in this browser. Numbers of customers are none of
// them: what was dialled outside is not kept.

const most = 6;
const key = (user: string): string => `filo.recent.${user}`;

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** recentTargets are target keys, the newest first. */
export function recentTargets(user: string, store: Store | undefined = globalThis.localStorage): string[] {
  try {
    const kept: unknown = JSON.parse(store?.getItem(key(user)) ?? '[]');
    return Array.isArray(kept) ? kept.filter((x) => typeof x === 'string').slice(0, most) : [];
  } catch {
    return [];
  }
}

/** remember puts a target first. */
export function remember(user: string, target: string, store: Store | undefined = globalThis.localStorage): void {
  if (target.startsWith('number:')) return;
  const list = [target, ...recentTargets(user, store).filter((x) => x !== target)].slice(0, most);
  try {
    store?.setItem(key(user), JSON.stringify(list));
  } catch {
    // Not kept: the list is a convenience.
  }
}
