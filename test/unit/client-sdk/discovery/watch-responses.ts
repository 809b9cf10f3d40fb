import type { EventType, Instance, WatchResponse } from '@weft/proto/registry';

/** What a watch of the registry says, for tests. */
export function response(part: Partial<WatchResponse>): WatchResponse {
  return {
    snapshot: undefined,
    events: undefined,
    progress: undefined,
    stale: false,
    acknowledge: false,
    ...part,
  };
}

export function snapshot(revision: bigint, ...instances: Instance[]): WatchResponse {
  return response({ snapshot: { instances, revision, more: false, history: 'h' } });
}

/** Several events in one response. */
export function events(
  revision: bigint,
  ...all: (readonly [type: EventType, changed: Instance | undefined])[]
): WatchResponse {
  const told = all.map(([type, instance]) => ({ type, instance, revision }));
  return response({ events: { events: told as never, revision } });
}

export function event(
  revision: bigint,
  type: EventType,
  changed: Instance | undefined,
): WatchResponse {
  return events(revision, [type, changed]);
}
