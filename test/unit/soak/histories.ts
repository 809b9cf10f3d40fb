import type { EtcdChange, SeenEvent, WatchEntry, WatchHistory } from '../../soak/history.ts';

/** `put a 1`: of instance `s/a`, at revision 1, with the content `a1`. */
export function changes(...texts: string[]): EtcdChange[] {
  return texts.map((text, index) => {
    const [type = '', id = '', at = ''] = text.split(' ');
    const change = { atMs: index * 100, revision: Number(at), key: `s/${id}` };
    if (type === 'delete' || type === 'foreign') return { ...change, type };
    return { ...change, type: 'put', content: `${id}${at}`, leaseId: `lease-${id}` };
  });
}

/** `put a 1` or, for other contents than usual, `put a 1 a0`. */
function event(text: string): SeenEvent {
  const [type = '', id = '', at = '', content = `${id}${at}`] = text.split(' ');
  const named = type === 'delete' ? 'delete' : 'put';
  return { type: named, key: `s/${id}`, revision: Number(at), content, leaseId: `lease-${id}` };
}

const instance = (content: string) => ({
  key: `s/${content[0]}`,
  content,
  leaseId: `lease-${content[0]}`,
});

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export const open = (from?: number) => ({ kind: 'open', replica: 1, from }) as const;
/** A snapshot of contents: `a1` is what `put a 1` stored. */
export const snapshot = (revision: number, ...contents: string[]) =>
  ({ kind: 'snapshot', revision, instances: contents.map(instance) }) as const;
/** Events as `put b 2`; the message is of the last one's revision. */
export const events = (...texts: string[]) => {
  const told = texts.map(event);
  return { kind: 'events', events: told, revision: told.at(-1)?.revision ?? 0 } as const;
};
export const mark = (revision: number) => ({ kind: 'progress', revision }) as const;
export const end = () => ({ kind: 'end', reason: 'cut' }) as const;

/** What a watcher saw, one thing each 100 ms. */
export function watch(...entries: WithoutTime<WatchEntry>[]): WatchHistory {
  const timed = entries.map((entry, index) => ({ ...entry, atMs: index * 100 }) as WatchEntry);
  return { name: 'w', services: undefined, entries: timed };
}
