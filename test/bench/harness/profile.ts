import { type Profiler, Session } from 'node:inspector/promises';

/** Starts a CPU profile of this process; the answer ends it and gives it. */
export async function startProfile(): Promise<() => Promise<Profiler.Profile>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 250 });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  };
}

/** Where the CPU time of a function goes, by the package it is of. */
export interface FunctionTime {
  readonly group: string;
  /** `name file:line` */
  readonly name: string;
  readonly selfUs: number;
}

/** The package a script belongs to; `client-sdk/balancer` for parts of Weft, `node:http2` for Node's. */
export function groupOf(url: string, functionName: string): string {
  if (url === '') return `(${functionName.replaceAll(/[()]/g, '') || 'native'})`;
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  const own = /\/(client-sdk|proto|test)\/(?:src\/)?([^/.]+)/.exec(url);
  return own === null ? url : `${own[1]}/${own[2]}`;
}

/** Time that no call has to do with: the profiler's own is in `node:inspector`. */
const notOfCalls = new Set(['(idle)', '(root)', 'node:inspector']);

/** Self time of every function, the greatest first. */
export function functionTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile) {
  const selfUs = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const byFunction = new Map<string, FunctionTime>();
  for (const { id, callFrame } of nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const group = groupOf(url, functionName);
    if (notOfCalls.has(group)) continue;
    const file = url.split('/').at(-1) ?? '';
    const name = `${functionName || 'anonymous'} ${file}:${lineNumber + 1}`;
    const key = `${group} ${name}`;
    const known = byFunction.get(key)?.selfUs ?? 0;
    byFunction.set(key, { group, name, selfUs: known + (selfUs.get(id) ?? 0) });
  }
  return [...byFunction.values()].sort((a, b) => b.selfUs - a.selfUs);
}

/** Self time by package, the greatest first. */
export function groupTimes(functions: readonly FunctionTime[]): [group: string, selfUs: number][] {
  const groups = new Map<string, number>();
  for (const { group, selfUs } of functions) groups.set(group, (groups.get(group) ?? 0) + selfUs);
  return [...groups].sort((a, b) => b[1] - a[1]);
}
